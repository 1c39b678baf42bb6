// What has come and is not with the terminal yet. A process may write faster than a page can draw, and the answer to
// Ctrl-C stands behind all that waits. So lines of plain text that would have left the terminal's memory again
// before anybody could see them are left out: what the terminal shows and remembers in the end is the same.

/** Bytes of one piece. What the terminal has been given cannot be left out any more. */
const PIECE = 8 * 1024;
/** Pieces with the terminal at a time: one waits while it works on another. */
const GIVEN = 2;

const CR = 0x0d;
const LF = 0x0a;
/** Bytes that do nothing but write: not control characters, nor what begins one of U+0080 to U+009F. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte >= 0x20 && byte !== 0x7f && byte !== 0xc2 || byte === CR || byte === 0x09));

/** @typedef {{bytes: Uint8Array, length: number, lines: number, done: (count: number) => void}} Piece */

export class Backlog {
    /** @type {Piece[]} */
    #pieces = [];
    #given = 0;
    /** From this piece on, all is plain text in whole lines; so many line ends follow. */
    #plainFrom = 0;
    #plainLines = 0;
    #last = 0;

    /**
     * @param {(bytes: Uint8Array, done: () => void) => void} write gives the terminal bytes; it tells when they are on the screen
     * @param {() => number} reach lines that the terminal remembers, those on the screen among them
     */
    constructor(write, reach) {
        this.write = write;
        this.reach = reach;
    }

    /**
     * Takes output in.
     * @param {Uint8Array} bytes
     * @param {(count: number) => void} done so many of them are on the screen, or were left out
     */
    add(bytes, done) {
        for (let at = 0; at < bytes.length;) {
            let piece = this.#pieces.at(-1);
            if (piece?.done !== done || piece.length === PIECE) {
                piece = { bytes: new Uint8Array(Math.min(PIECE, bytes.length - at)), length: 0, lines: 0, done };
                this.#pieces.push(piece);
            }
            at += this.#fill(piece, bytes.subarray(at));
            this.#thin();
        }
        this.#give();
    }

    /** Forgets what the terminal was not given yet. */
    clear() {
        this.#pieces = [];
        this.#plainFrom = this.#plainLines = 0;
    }

    #fill(piece, bytes) {
        const count = Math.min(PIECE - piece.length, bytes.length);
        if (piece.length + count > piece.bytes.length) {
            const larger = new Uint8Array(PIECE);
            larger.set(piece.bytes.subarray(0, piece.length));
            piece.bytes = larger;
        }
        const part = bytes.subarray(0, count);
        piece.bytes.set(part, piece.length);
        piece.length += count;
        this.#look(piece, part);
        return count;
    }

    #look(piece, bytes) {
        let last = this.#last;
        let lines = 0;
        for (const byte of bytes) {
            if (byte === LF && last === CR) {
                lines++;
            } else if (PLAIN[byte] === 0) {
                lines = -1;
                break;
            }
            last = byte;
        }
        this.#last = bytes[bytes.length - 1];
        if (lines < 0) {
            this.#plainFrom = this.#pieces.length;
            this.#plainLines = 0;
        } else if (this.#plainFrom < this.#pieces.length) {
            piece.lines += lines;
            this.#plainLines += lines;
        }
    }

    /** What begins the plain text stays: what is left out comes after a line end, at least, and what follows joins a line that nobody will see. */
    #thin() {
        const at = this.#plainFrom + 1;
        for (let piece; (piece = this.#pieces[at]);) {
            if (this.#plainLines - this.#pieces[at - 1].lines - piece.lines <= this.reach()) {
                break;
            }
            this.#pieces.splice(at, 1);
            this.#plainLines -= piece.lines;
            piece.done(piece.length);
        }
    }

    #give() {
        while (this.#given < GIVEN && this.#pieces.length > 0) {
            const { bytes, length, lines, done } = this.#pieces.shift();
            if (this.#plainFrom > 0) {
                this.#plainFrom--;
            } else {
                this.#plainLines -= lines;
            }
            this.#given++;
            this.write(bytes.subarray(0, length), () => {
                this.#given--;
                done(length);
                this.#give();
            });
        }
    }
}
