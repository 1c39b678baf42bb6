import * as protocol from './protocol.js';
import { Refused } from './server.js';

/** Milliseconds between tries; each is spread a little, so that many pages do not come back at once. */
const DELAYS = [300, 1000, 2000, 4000, 8000, 15_000];
/** Bytes after which the worker is told that they have been taken in. */
const STEP = 16 * 1024;
/** Milliseconds after which a WebSocket that is still opening is given up. */
const PATIENCE = 10_000;

/**
 * A session's way to the server. It comes back by itself, to the same session, until the session ends.
 *
 * `on.state(state, detail)` tells how it is:
 *   'connecting'; 'open'; 'waiting' with `{seconds, words}`; 'ended' with `{code}`; 'failed' with `{words, refused}`.
 */
export class Connection {
    /**
     * @param {object} target
     * @param {() => URL} target.address the WebSocket's
     * @param {() => Promise<string>} target.token asked for before each try
     * @param {() => {columns: number, rows: number}} target.size
     * @param {boolean} target.readOnly only watch
     * @param {?string} session to rejoin
     * @param {object} on state, joined(fields), output(bytes, shown), where shown(count) tells that so many of them are on the screen, title(text), preferences(fields), resized(fields)
     */
    constructor(target, session, on) {
        this.target = target;
        this.session = session;
        this.on = on;
        this.state = 'closed';
        this.tries = 0;
        this.socket = null;
        this.shown = null;
        this.timer = 0;
        this.back = () => this.state === 'waiting' && document.visibilityState === 'visible' && this.open();
        addEventListener('online', this.back);
        document.addEventListener('visibilitychange', this.back);
    }

    /** Connects now. */
    async open() {
        this.drop();
        this.become('connecting');
        const attempt = this.attempt = {};
        let token;
        try {
            token = await this.target.token();
        } catch (error) {
            if (this.attempt === attempt) {
                error instanceof Refused ? this.fail(error.message, true) : this.wait(error.message);
            }
            return;
        }
        if (this.attempt === attempt) {
            this.connect(token);
        }
    }

    connect(token) {
        const socket = this.socket = new Worker(new URL('worker.js', new URL('.', location.href)), { type: 'module' });
        let shown = 0;
        this.shown = (count) => {
            shown += count;
            if (shown >= STEP) {
                socket.postMessage({ shown });
                shown = 0;
            }
        };
        this.timer = setTimeout(() => this.lost('The server does not answer.'), PATIENCE);
        socket.onmessage = ({ data: { opened, message, closed } }) => {
            // An old socket may still have something to say when a new one is there.
            if (this.socket !== socket) {
                return;
            }
            if (opened) {
                this.send(protocol.hello({
                    token, ...this.target.size(), session: this.session, readOnly: this.target.readOnly,
                }));
            } else if (message) {
                this.take(message);
            } else if (closed) {
                this.closed(closed);
            }
        };
        socket.onerror = () => this.socket === socket && this.lost('The page is not whole.');
        socket.postMessage({ open: this.target.address().href });
    }

    take(data) {
        const message = protocol.read(data);
        switch (message.kind) {
            case 'output':
                this.on.output(message.bytes, this.shown);
                break;
            case 'title':
                this.on.title(message.text);
                break;
            case 'joined':
                clearTimeout(this.timer);
                this.tries = 0;
                this.session = message.fields.session;
                this.on.joined(message.fields);
                this.become('open');
                break;
            case 'exited':
                this.end('ended', { code: message.fields.code ?? null });
                break;
            case 'failed':
                this.fail(String(message.fields.message ?? 'The session was lost.'));
                break;
            case 'preferences':
            case 'resized':
                this.on[message.kind](message.fields);
        }
    }

    closed({ code, reason }) {
        if (code === 1008) {
            this.fail(reason || 'The server refuses access.', true);
        } else if (code === 1000 || code === 1011) {
            this.fail(reason || 'The server has closed the session.');
        } else if (code === 1001) {
            this.lost('The server is going away.');
        } else if (code === 1013) {
            this.lost(reason || 'This page could not keep up.');
        } else {
            this.lost(this.session ? 'Connection lost.' : 'The server cannot be reached.');
        }
    }

    /** Sends a message if there is anybody to take it. */
    send(message) {
        this.socket?.postMessage({ send: message });
    }

    lost(words) {
        this.drop();
        this.wait(words);
    }

    wait(words) {
        const delay = DELAYS[Math.min(this.tries++, DELAYS.length - 1)] * (0.9 + Math.random() * 0.2);
        const until = Date.now() + delay;
        const tick = () => {
            const left = until - Date.now();
            if (left <= 0) {
                this.open();
                return;
            }
            this.become('waiting', { seconds: Math.ceil(left / 1000), words });
            this.timer = setTimeout(tick, Math.min(left, 1000));
        };
        tick();
    }

    fail(words, refused = false) {
        this.end('failed', { words, refused });
    }

    end(state, detail) {
        this.drop();
        // Whoever is refused may be let in later, and come back to the same session.
        this.session = detail.refused ? this.session : null;
        this.become(state, detail);
    }

    become(state, detail = {}) {
        this.state = state;
        this.on.state(state, detail);
    }

    drop() {
        clearTimeout(this.timer);
        this.attempt = null;
        const socket = this.socket;
        this.socket = null;
        // It says goodbye to the server and ends.
        socket?.postMessage({ leave: true });
    }

    /** Leaves; the session goes on for a while on the server. */
    close() {
        this.drop();
        this.state = 'closed';
        removeEventListener('online', this.back);
        document.removeEventListener('visibilitychange', this.back);
    }
}
