import { shared } from './access.js';
import { Chooser } from './chooser.js';
import { find, make } from './dom.js';
import { KeyBar } from './keybar.js';
import { Session } from './session.js';
import * as server from './server.js';
import * as settings from './settings.js';
import { share } from './share.js';
import { show } from './status.js';
import * as storage from './storage.js';
import { Tabs } from './tabs.js';

const tabs = new Tabs({ select: (tab, stay) => select(tab, stay), close, enter: () => focus(current) });
const all = [];
let current = null;
let number = 0;

/** A tab is a panel with a chooser or a session in it. */
function add({ container = null, session = null, title = '' } = {}, alone = false) {
    const panel = make('section', { class: 'panel', id: `panel-${++number}` });
    find('panels').append(panel);
    const tab = { panel, container, title, unseen: false, session: null, chooser: null };
    all.push(tab);
    tabs.add(tab, panel, container ?? 'New terminal');
    if (container !== null || session !== null) {
        run(tab, session);
    } else {
        choose(tab, alone);
    }
    return tab;
}

function choose(tab, alone = false) {
    tab.session?.dispose();
    tab.session = null;
    tab.container = null;
    tab.title = '';
    tab.chooser = new Chooser(tab.panel, ({ name }) => {
        tab.container = name;
        run(tab, null);
        tab === current && focus(tab);
    }, alone);
    changed(tab);
}

function run(tab, session) {
    tab.chooser?.dispose();
    tab.chooser = null;
    tab.session = new Session(tab.panel, {
        container: tab.container,
        session,
        token: shared ? async () => shared.token : server.token,
        watch: shared !== null,
        modify: (text) => keys.modify(text),
        changed: () => changed(tab),
        output: () => {
            if (tab !== current && !tab.unseen) {
                tab.unseen = true;
                changed(tab);
            }
        },
        leave: () => {
            choose(tab);
            focus(tab);
        },
    });
    changed(tab);
}

function changed(tab) {
    if (!all.includes(tab)) {
        return;
    }
    if (tab.session) {
        tab.title = tab.session.title || tab.title;
    }
    tabs.label(tab, tab.title || (tab.container ?? (shared ? 'Shared terminal' : 'New terminal')));
    tabs.mark(tab, tab.session?.state ?? '', tab.unseen);
    tab === current && show(tab);
    save();
}

function save() {
    if (!shared) {
        storage.save(all.map((tab) => ({
            container: tab.container, session: tab.session?.id ?? null, title: tab.title,
        })), all.indexOf(current));
    }
}

/** Brings a tab to the front; `stay` leaves the keyboard where it is. */
function select(tab, stay = false) {
    current = tab;
    tab.unseen = false;
    tabs.select(tab);
    changed(tab);
    stay || focus(tab);
}

function focus(tab) {
    (tab.chooser ?? tab.session)?.focus();
}

function close(tab) {
    const neighbour = tabs.beside(tab, all.indexOf(tab) === all.length - 1 ? -1 : 1);
    tab.chooser?.dispose();
    tab.session?.dispose();
    tabs.remove(tab);
    all.splice(all.indexOf(tab), 1);
    if (all.length === 0) {
        select(add());
    } else if (tab === current) {
        select(neighbour);
    }
    save();
}

const keys = new KeyBar(() => current?.session);

const shortcuts = {
    KeyN: () => shared || select(add()),
    KeyW: () => shared || close(current),
    ArrowLeft: () => select(tabs.beside(current, -1)),
    ArrowRight: () => select(tabs.beside(current, 1)),
    ArrowUp: () => tabs.focus(current),
};
// Before the terminal, which would send them to the process.
addEventListener('keydown', (event) => {
    const act = event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey && shortcuts[event.code];
    if (act && !document.querySelector('dialog[open]')) {
        event.preventDefault();
        event.stopPropagation();
        act();
    }
}, true);

find('new').onclick = () => select(add());
find('share').onclick = () => current.session?.id && share(current.session.id);
find('theme').onclick = settings.flip;
find('settings').onclick = settings.open;

if (shared) {
    document.documentElement.classList.add('shared');
    select(add({ session: shared.session }));
} else {
    const { open, at } = storage.load();
    open.forEach((entry) => add(entry));
    select(all[at] ?? all[0] ?? add({}, true));
}
