import { remember } from './access.js';
import { make } from './dom.js';
import * as server from './server.js';

/** Milliseconds between two looks at the list while it is shown. */
const REFRESH = 5000;

let number = 0;

/** A list of the containers to choose from, with a filter; the arrow keys move along it, Enter takes one. */
export class Chooser {
    /**
     * @param {HTMLElement} place
     * @param {(container: {id: string, name: string}) => void} choose
     * @param {boolean} alone take the only container without asking, if there is but one
     */
    constructor(place, choose, alone) {
        this.choose = choose;
        this.alone = alone;
        this.list = null;
        this.at = 0;
        const id = `containers-${++number}`;
        this.options = make('ul', { role: 'listbox', id, 'aria-label': 'Containers' });
        this.filter = make('input', {
            type: 'search', placeholder: 'Filter by name or image', autocomplete: 'off', spellcheck: false, role: 'combobox',
            'aria-label': 'Filter the containers', 'aria-controls': id, 'aria-expanded': 'true', 'aria-autocomplete': 'list',
            oninput: () => this.show(0), onkeydown: (event) => this.key(event),
        });
        this.filter.setAttribute('autocapitalize', 'off');
        this.words = make('p', { class: 'words', role: 'status' }, 'Looking for containers…');
        this.element = make('div', { class: 'chooser' },
            make('h1', { textContent: 'Open a terminal in a container' }), this.filter, this.options, this.words);
        place.append(this.element);
        this.timer = 0;
        this.load();
    }

    async load() {
        clearTimeout(this.timer);
        try {
            const answer = await server.containers();
            this.list = answer.containers ?? [];
            this.readOnly = answer.readOnly === true;
            this.error = null;
        } catch (error) {
            this.error = error;
        }
        if (!this.element.isConnected) {
            return;
        }
        const running = this.list?.filter((container) => container.state === 'running') ?? [];
        if (this.alone && !this.error && running.length === 1 && this.list.length === 1) {
            this.choose(running[0]);
            return;
        }
        this.alone = false;
        this.show(this.at);
        if (!(this.error instanceof server.Refused)) {
            this.timer = setTimeout(() => document.hidden ? this.rest() : this.load(), REFRESH);
        }
    }

    /** Looks again when the page is looked at again. */
    rest() {
        document.addEventListener('visibilitychange', () => this.element.isConnected && this.load(), { once: true });
    }

    matching() {
        const words = this.filter.value.toLowerCase().split(/\s+/);
        return (this.list ?? []).filter(({ id, name, image }) => {
            const text = `${name} ${image} ${id}`.toLowerCase();
            return words.every((word) => text.includes(word));
        });
    }

    show(at) {
        const found = this.matching();
        this.at = Math.max(0, Math.min(at, found.length - 1));
        this.options.replaceChildren(...found.map((container, index) => {
            const { name, image, state } = container;
            const runs = state === 'running';
            return make('li', {
                role: 'option', id: `${this.options.id}-${index}`, 'aria-selected': String(index === this.at),
                'aria-disabled': String(!runs), onclick: () => runs && this.choose(container),
                // The filter keeps the keyboard.
                onmousedown: (event) => event.preventDefault(),
            },
            make('span', { class: `dot ${runs ? 'runs' : ''}`, 'aria-hidden': 'true' }),
            make('span', { class: 'name', textContent: name }),
            make('span', { class: 'image', textContent: image }),
            make('span', { class: 'state', textContent: runs ? '' : state }));
        }));
        const active = this.options.children[this.at];
        this.filter.setAttribute('aria-activedescendant', active?.id ?? '');
        active?.scrollIntoView({ block: 'nearest' });
        this.say(found);
    }

    say(found) {
        const refused = this.error instanceof server.Refused;
        this.filter.hidden = this.options.hidden = refused || this.list === null || this.list.length === 0;
        this.words.classList.toggle('bad', Boolean(this.error));
        if (refused && this.words.querySelector('form')) {
            // What has been typed into it meanwhile stays.
            this.words.firstChild.data = this.error.message;
        } else if (refused) {
            this.words.replaceChildren(this.error.message, ' Open the address that ',
                make('code', { textContent: 'towline terminal' }), ' has printed, or enter its token:', this.form());
        } else if (this.error) {
            this.words.textContent = `${this.error.message} Trying again every few seconds.`;
        } else if (this.list === null) {
            this.words.textContent = 'Looking for containers…';
        } else if (this.list.length === 0) {
            this.words.textContent = 'There is no container to open. This list looks again every few seconds.';
        } else if (found.length === 0) {
            this.words.textContent = 'No container matches.';
        } else {
            this.words.textContent = this.readOnly ? 'Read-only: what you open can be watched, but not typed into.' : '';
        }
    }

    form() {
        const field = make('input', { type: 'password', 'aria-label': 'Access token', autocomplete: 'off' });
        return make('form', {
            class: 'access',
            onsubmit: (event) => {
                event.preventDefault();
                remember(field.value.trim());
                this.load();
            },
        }, field, make('button', { class: 'primary', textContent: 'Continue' }));
    }

    key(event) {
        const found = this.matching();
        const page = 8;
        const to = {
            ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page,
        }[event.key];
        if (to !== undefined) {
            event.preventDefault();
            this.show(to);
        } else if (event.key === 'Enter' && found[this.at]?.state === 'running') {
            event.preventDefault();
            this.choose(found[this.at]);
        }
    }

    focus() {
        (this.element.querySelector('.access input') ?? this.filter).focus();
    }

    dispose() {
        clearTimeout(this.timer);
        this.element.remove();
    }
}
