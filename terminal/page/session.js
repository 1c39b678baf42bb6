import { Backlog } from './backlog.js';
import { copy } from './clipboard.js';
import { Connection } from './connection.js';
import { make } from './dom.js';
import * as protocol from './protocol.js';
import { Screen } from './screen.js';
import * as settings from './settings.js';

/** Bytes of one input message: a long paste goes in pieces. */
const PIECE = 32 * 1024;
/** Ends the modes that a program may have left behind: mouse, hidden cursor, colours. */
const TIDY = '\x1b[!p\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m';

/** One terminal on the page: its screen, its connection, and the words about both. */
export class Session {
    /**
     * @param {HTMLElement} place
     * @param {object} options
     * @param {string} options.container its name
     * @param {?string} options.session to rejoin
     * @param {() => Promise<string>} options.token
     * @param {boolean} options.watch by a share link: never writes, never starts anything
     * @param {(text: string) => string} options.modify what typed text becomes
     * @param {() => void} options.changed the title, the state or the size is another
     * @param {() => void} options.output something came
     * @param {() => void} options.leave to choose another container
     */
    constructor(place, options) {
        this.options = options;
        this.place = place;
        this.title = '';
        this.readOnly = options.watch;
        this.state = 'connecting';
        /** Bytes of scrollback still to come; what the terminal answers to questions in it was answered long ago. */
        this.replay = 0;
        this.replaying = false;
        this.notice = make('div', { class: 'notice', role: 'status', hidden: true });
        const holder = make('div', { class: 'screen' });
        place.append(holder, this.notice);
        this.screen = new Screen(holder);
        const { terminal } = this.screen;
        this.backlog = new Backlog((bytes, done) => terminal.write(bytes, done), () => terminal.options.scrollback + terminal.rows);
        this.listen(terminal);
        this.connection = new Connection({
            address: () => {
                const address = new URL('ws', new URL('.', location.href));
                address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
                options.container && address.searchParams.set('container', options.container);
                return address;
            },
            token: options.token,
            size: () => this.screen.proposed() ?? this.screen.size,
            readOnly: options.watch,
        }, options.session, {
            state: (state, detail) => this.become(state, detail),
            joined: (fields) => this.joined(fields),
            output: (bytes, shown) => this.output(bytes, shown),
            title: (text) => this.name(text),
            preferences: () => {},
            resized: (size) => this.resized(size),
        });
        this.connection.open();
    }

    get id() {
        return this.connection.session;
    }

    listen(terminal) {
        terminal.onData((text) => this.typed(text));
        terminal.onBinary((text) => this.writable && this.connection.send(protocol.binaryInput(text)));
        terminal.onTitleChange((text) => this.name(text));
        terminal.onResize((size) => {
            if (this.screen.dictated === null && this.writable) {
                this.connection.send(protocol.resize({ columns: size.cols, rows: size.rows }));
            }
            this.options.changed();
        });
        terminal.attachCustomKeyEventHandler((event) => {
            if (event.ctrlKey && event.shiftKey && !event.altKey && event.code === 'KeyC') {
                event.preventDefault();
                event.type === 'keydown' && terminal.hasSelection() && copy(terminal.getSelection());
                return false;
            }
            // The browser pastes, which asks for no permission.
            return !(event.ctrlKey && event.shiftKey && !event.altKey && event.code === 'KeyV');
        });
    }

    get writable() {
        return this.state === 'open' && !this.readOnly && !this.replaying;
    }

    typed(text) {
        if (text === '\r' && this.startable && !this.replaying) {
            this.restart();
        } else if (this.writable) {
            this.send(this.options.modify(text));
        }
    }

    /** What a key of the key bar means. */
    press(text) {
        this.writable && this.send(text);
        this.focus();
    }

    send(text) {
        const bytes = protocol.input(text);
        for (let from = 1; from < bytes.length; from += PIECE) {
            const piece = bytes.slice(from - 1, from + PIECE);
            piece[0] = bytes[0];
            this.connection.send(piece);
        }
    }

    joined({ readOnly, columns, rows, replay }) {
        this.readOnly = this.options.watch || readOnly === true;
        const { terminal } = this.screen;
        terminal.options.disableStdin = this.readOnly;
        if (this.fresh) {
            this.fresh = false;
        } else {
            this.backlog.clear();
            // All that the scrollback has comes again.
            terminal.reset();
        }
        this.replay = Number(replay) || 0;
        this.replaying = this.replay > 0;
        this.screen.dictate(this.readOnly ? size(columns, rows) : null);
        const mine = this.screen.size;
        if (!this.readOnly && (mine.columns !== columns || mine.rows !== rows)) {
            this.connection.send(protocol.resize(mine));
        }
    }

    resized({ columns, rows }) {
        const other = size(columns, rows);
        if (other) {
            this.screen.dictate(other);
        }
        if (!this.readOnly) {
            // Until this page's own size changes; the latest who wrote has said how large it is.
            this.screen.dictated = null;
        }
        this.options.changed();
    }

    output(bytes, shown) {
        if (this.replay > 0) {
            const old = bytes.subarray(0, this.replay);
            this.replay -= old.length;
            const last = this.replay === 0;
            this.screen.terminal.write(old, () => {
                this.replaying &&= !last;
                shown(old.length);
            });
            if (old.length === bytes.length) {
                return;
            }
            bytes = bytes.subarray(old.length);
        }
        this.backlog.add(bytes, shown);
        this.options.output();
    }

    name(title) {
        this.title = title.trim().slice(0, 200);
        this.options.changed();
    }

    /** Can a key start it again? */
    get startable() {
        return !this.options.watch && (this.state === 'ended' || this.state === 'failed');
    }

    restart() {
        if (this.startable) {
            // A session that is still there shows itself anew.
            this.fresh = !this.id;
            const { terminal } = this.screen;
            // Only then, for it also brings back the cursor of that time.
            const leave = terminal.buffer.active.type === 'alternate' ? '\x1b[?1049l' : '';
            const tidy = `${leave}${TIDY}${terminal.buffer.active.cursorX > 0 ? '\r\n' : ''}`;
            this.backlog.add(new TextEncoder().encode(tidy), () => {});
            this.screen.dictate(null);
            this.connection.open();
            this.focus();
        }
    }

    become(state, detail) {
        this.state = state;
        const { container, watch } = this.options;
        const button = (words, act, kind = '') => make('button', { type: 'button', class: kind, textContent: words, onclick: act });
        const again = button('Start again', () => this.restart(), 'primary');
        const leave = () => this.options.leave();
        const notices = {
            connecting: () => [`${this.id || this.was ? 'Reconnecting' : 'Connecting'}${container ? ` to ${container}` : ''}…`],
            waiting: () => [`${detail.words} Trying again in ${detail.seconds} s.`,
                button('Try now', () => this.connection.open())],
            ended: () => watch ? [ending(detail.code)] : [`${ending(detail.code)} Press Enter to start again.`, again],
            failed: () => watch ? [sentence(detail.words)]
                : detail.refused ? [sentence(detail.words), button('Enter a token', leave, 'primary'), button('Try again', () => this.restart())]
                : [`${sentence(detail.words)} Press Enter to start again.`, again, button('Other container', leave)],
        };
        this.was ||= state === 'open';
        this.say(...(notices[state]?.() ?? []));
        this.place.dataset.state = state;
        if (state === 'ended' || state === 'failed') {
            this.replaying = false;
            this.screen.terminal.options.disableStdin = watch;
        }
        this.options.changed();
    }

    /** Shows words and buttons over the terminal; none: nothing. */
    say(words, ...buttons) {
        this.notice.hidden = !words;
        if (!words) {
            this.notice.replaceChildren();
            return;
        }
        const [text, ...old] = this.notice.children;
        // A count that goes down must not take a button away under a finger.
        if (text && old.length === buttons.length && old.every((button, at) => button.textContent === buttons[at].textContent)) {
            text.textContent = words;
        } else {
            this.notice.replaceChildren(make('span', { textContent: words }), ...buttons);
        }
    }

    focus() {
        this.screen.terminal.focus();
    }

    dispose() {
        this.connection.close();
        this.backlog.clear();
        this.screen.dispose();
        this.place.replaceChildren();
        delete this.place.dataset.state;
    }
}

const size = (columns, rows) =>
    [columns, rows].every((length) => Number.isInteger(length) && length >= 1 && length <= 65535) ? { columns, rows } : null;

const sentence = (words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? '' : '.'}`;

function ending(code) {
    if (code === null) {
        return 'The process has ended.';
    }
    return `The process has ended with exit code ${code}${code > 128 && code < 160 ? ` (signal ${code - 128})` : ''}.`;
}
