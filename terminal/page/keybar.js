import { paste, showText } from './clipboard.js';
import { find, make } from './dom.js';

const ARROWS = { '←': 'D', '↓': 'B', '↑': 'A', '→': 'C' };
const NAMES = { '←': 'Left', '↓': 'Down', '↑': 'Up', '→': 'Right' };

/** The keys that phones lack. Ctrl and Alt stay down for the next key. */
export class KeyBar {
    /** @param {() => ?Session} session the one on show */
    constructor(session) {
        this.session = session;
        this.down = { ctrl: false, alt: false };
        this.bar = find('keys');
        const press = (bytes) => () => this.session()?.press(this.modify(bytes));
        const arrow = (letter) => () => {
            const application = this.session()?.screen.terminal.modes.applicationCursorKeysMode;
            const { ctrl, alt } = this.down;
            const modifier = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
            this.release();
            this.session()?.press(modifier > 1 ? `\x1b[1;${modifier}${letter}` : `\x1b${application ? 'O' : '['}${letter}`);
        };
        this.bar.append(
            this.key('Esc', press('\x1b')), this.key('Tab', press('\t')),
            this.modifier('Ctrl', 'ctrl'), this.modifier('Alt', 'alt'),
            ...Object.entries(ARROWS).map(([sign, letter]) => this.key(sign, arrow(letter), NAMES[sign])),
            ...['|', '/', '-', '~'].map((sign) => this.key(sign, press(sign))),
            this.key('Copy', () => this.session() && showText(this.session().screen.text())),
            this.key('Paste', () => paste((text) => this.session()?.screen.terminal.paste(text))),
        );
    }

    key(words, act, name = words) {
        return make('button', {
            type: 'button', tabIndex: -1, textContent: words, 'aria-label': name, onclick: act,
            // The terminal keeps the focus, and the phone's keyboard stays where it is.
            onpointerdown: (event) => event.preventDefault(), onmousedown: (event) => event.preventDefault(),
        });
    }

    modifier(words, name) {
        const button = this.key(words, () => {
            this.down[name] = !this.down[name];
            button.setAttribute('aria-pressed', String(this.down[name]));
        });
        button.setAttribute('aria-pressed', 'false');
        button.dataset.modifier = name;
        return button;
    }

    release() {
        this.down = { ctrl: false, alt: false };
        this.bar.querySelectorAll('[data-modifier]').forEach((button) => button.setAttribute('aria-pressed', 'false'));
    }

    /** What typed text becomes with the modifiers that are down. */
    modify(text) {
        const { ctrl, alt } = this.down;
        if (!ctrl && !alt) {
            return text;
        }
        this.release();
        const code = text.toUpperCase().charCodeAt(0);
        const held = ctrl && text.length === 1 && code >= 63 && code <= 95 ? String.fromCharCode((code & 31) | (code === 63 ? 127 : 0)) : text;
        return alt ? `\x1b${held}` : held;
    }
}
