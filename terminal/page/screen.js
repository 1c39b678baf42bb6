import { FitAddon } from '@xterm/addon-fit';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import * as settings from './settings.js';
import { scrollByTouch } from './touch.js';

const FONT = 'ui-monospace, "JetBrains Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';
/** Below this nothing can be read; a watcher of a large terminal scrolls instead. */
const LEAST_FONT = 5;

/** The terminal itself: xterm.js with its add-ons, in the page's font and colours, as large as its place or as told. */
export class Screen {
    /** @param {HTMLElement} place an element without padding, which the screen fills */
    constructor(place) {
        this.place = place;
        /** The size that another dictates; null: as large as the place allows. */
        this.dictated = null;
        this.terminal = new Terminal({
            allowProposedApi: true,
            cursorBlink: true,
            fontFamily: FONT,
            fontSize: settings.get().fontSize,
            macOptionIsMeta: true,
            minimumContrastRatio: 3,
            scrollback: 5000,
            screenReaderMode: settings.get().screenReader,
            theme: settings.colours(),
        });
        this.fitter = new FitAddon();
        this.terminal.loadAddon(this.fitter);
        this.terminal.loadAddon(new WebLinksAddon((event, address) => window.open(address, '_blank', 'noopener,noreferrer')));
        this.terminal.loadAddon(new Unicode11Addon());
        this.terminal.unicode.activeVersion = '11';
        this.terminal.open(place);
        scrollByTouch(this.terminal);
        this.unfollow = settings.follow(() => this.apply());
        this.observer = new ResizeObserver(() => this.fit());
        this.observer.observe(place);
    }

    apply() {
        const { fontSize, screenReader } = settings.get();
        this.terminal.options.theme = settings.colours();
        this.terminal.options.screenReaderMode = screenReader;
        this.terminal.options.fontSize = fontSize;
        this.fit();
    }

    /** Takes the size that fits, or shrinks the letters until the dictated one does. */
    fit() {
        const usual = settings.get().fontSize;
        if (this.dictated === null) {
            this.terminal.options.fontSize = usual;
            const size = this.proposed();
            size && this.terminal.resize(size.columns, size.rows);
            return;
        }
        const { columns, rows } = this.dictated;
        for (let font = usual; ; font -= 0.5) {
            this.terminal.options.fontSize = font;
            const size = this.proposed();
            if (!size || font <= LEAST_FONT || (size.columns >= columns && size.rows >= rows)) {
                break;
            }
        }
        this.terminal.resize(columns, rows);
    }

    /** The size that fits; null while there is none, as in a page that is not shown. */
    proposed() {
        const { cols, rows } = this.fitter.proposeDimensions() ?? {};
        return cols >= 1 && rows >= 1 && cols <= 65535 && rows <= 65535 ? { columns: cols, rows } : null;
    }

    get size() {
        return { columns: this.terminal.cols, rows: this.terminal.rows };
    }

    /** Another's size from now on; null: its own again. */
    dictate(size) {
        this.dictated = size;
        this.fit();
    }

    /** What stands on the screen and above it, as text. */
    text() {
        const buffer = this.terminal.buffer.active;
        const lines = [];
        for (let at = 0; at < buffer.length; at++) {
            const line = buffer.getLine(at);
            const text = line?.translateToString(true) ?? '';
            line?.isWrapped && lines.length ? lines[lines.length - 1] += text : lines.push(text);
        }
        return lines.join('\n').trimEnd();
    }

    dispose() {
        this.observer.disconnect();
        this.unfollow();
        this.terminal.dispose();
    }
}
