import { find, make } from './dom.js';

/**
 * The row of tabs. Each tab has a panel; the arrow keys go along the row, Delete closes, Enter and Down go into the panel.
 */
export class Tabs {
    /** @param {{select: (key: object) => void, close: (key: object) => void, enter: () => void}} on */
    constructor(on) {
        this.on = on;
        this.row = find('tabs');
        this.entries = [];
        this.row.addEventListener('keydown', (event) => this.key(event));
    }

    /** Adds a tab for `key`, which is anything, with its panel. */
    add(key, panel, label) {
        const number = panel.id.replace(/\D+/, '');
        const dot = make('span', { class: 'dot', 'aria-hidden': 'true' });
        const words = make('span', { class: 'words' });
        const tab = make('button', {
            type: 'button', role: 'tab', id: `tab-${number}`, 'aria-controls': panel.id, tabIndex: -1,
            onclick: () => this.on.select(key),
        }, dot, words);
        const close = make('button', {
            type: 'button', class: 'close', tabIndex: -1, title: 'Close (Alt+Shift+W)', onclick: () => this.on.close(key),
        }, '✕');
        const holder = make('div', { class: 'tab', role: 'presentation', onauxclick: (event) => event.button === 1 && this.on.close(key) },
            tab, close);
        panel.setAttribute('role', 'tabpanel');
        panel.setAttribute('aria-labelledby', tab.id);
        this.row.append(holder);
        this.entries.push({ key, panel, tab, words, close, holder });
        this.label(key, label);
    }

    entry(key) {
        return this.entries.find((entry) => entry.key === key);
    }

    label(key, label) {
        const { words, tab, close } = this.entry(key);
        words.textContent = label;
        tab.title = label;
        close.setAttribute('aria-label', `Close ${label}`);
    }

    /** Marks a tab: 'open', 'waiting', 'ended', 'failed' or '', and whether something happened that was not seen. */
    mark(key, state, unseen) {
        const { holder } = this.entry(key);
        holder.dataset.state = state;
        holder.classList.toggle('unseen', unseen);
    }

    select(key) {
        for (const { key: other, panel, tab, holder } of this.entries) {
            const chosen = other === key;
            tab.setAttribute('aria-selected', String(chosen));
            tab.tabIndex = chosen ? 0 : -1;
            holder.classList.toggle('chosen', chosen);
            panel.classList.toggle('chosen', chosen);
            panel.inert = !chosen;
            chosen && holder.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        }
    }

    remove(key) {
        const entry = this.entry(key);
        this.entries = this.entries.filter((other) => other !== entry);
        entry.holder.remove();
        entry.panel.remove();
    }

    /** The neighbour `by` steps along, round the ends. */
    beside(key, by) {
        const at = this.entries.findIndex((entry) => entry.key === key);
        const { length } = this.entries;
        return this.entries[(at + by + length) % length]?.key;
    }

    focus(key) {
        this.entry(key)?.tab.focus();
    }

    key(event) {
        const at = this.entries.findIndex(({ tab }) => tab === document.activeElement);
        if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) {
            return;
        }
        const { key } = this.entries[at];
        const go = (to) => {
            this.on.select(to, true);
            this.focus(to);
        };
        const act = {
            ArrowLeft: () => go(this.beside(key, -1)),
            ArrowRight: () => go(this.beside(key, 1)),
            Home: () => go(this.entries[0].key),
            End: () => go(this.entries[this.entries.length - 1].key),
            Delete: () => this.on.close(key),
            Enter: () => this.on.enter(),
            ArrowDown: () => this.on.enter(),
            Escape: () => this.on.enter(),
        }[event.key];
        if (act) {
            event.preventDefault();
            act();
        }
    }
}
