// The messages of the subprotocol `tty`: the first byte is the command.
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const command = (letter, payload) => {
    const message = new Uint8Array(payload.length + 1);
    message[0] = letter.charCodeAt(0);
    message.set(payload, 1);
    return message;
};

/** The first message. A session is rejoined, without one a new one is opened. */
export const hello = ({ token, columns, rows, session, readOnly }) => encoder.encode(JSON.stringify({
    AuthToken: token, columns, rows, ...(session && { session }), ...(readOnly && { readOnly }),
}));

/** What was typed or pasted. */
export const input = (text) => command('0', encoder.encode(text));

/** What the mouse says in the old encodings: one character is one byte. */
export const binaryInput = (text) => command('0', Uint8Array.from(text, (character) => character.charCodeAt(0) & 255));

/** The page's size. */
export const resize = ({ columns, rows }) => command('1', encoder.encode(JSON.stringify({ columns, rows })));

/** No output for now. */
export const pause = () => encoder.encode('2');

/** Output again. */
export const resume = () => encoder.encode('3');

/** So many bytes of output have been taken in. */
export const taken = (count) => command('5', encoder.encode(String(count)));

/** Does this message of the server tell that the page has joined? */
export const isJoined = (buffer) => new Uint8Array(buffer)[0] === 0x73;

/** Does this message of the server carry output? */
export const isOutput = (buffer) => new Uint8Array(buffer)[0] === 0x30;

/**
 * Reads a message of the server.
 * @param {ArrayBuffer} buffer
 * @returns {{kind: string, bytes?: Uint8Array, text?: string, fields?: object}} kind 'unknown' for what this page does not know
 */
export function read(buffer) {
    const bytes = new Uint8Array(buffer, Math.min(1, buffer.byteLength));
    const letter = String.fromCharCode(new Uint8Array(buffer)[0] ?? 0);
    if (letter === '0') {
        return { kind: 'output', bytes };
    }
    if (letter === '1') {
        return { kind: 'title', text: decoder.decode(bytes) };
    }
    const kind = { 2: 'preferences', s: 'joined', x: 'exited', e: 'failed', r: 'resized' }[letter];
    try {
        return kind ? { kind, fields: Object(JSON.parse(decoder.decode(bytes))) } : { kind: 'unknown' };
    } catch {
        return { kind: 'unknown' };
    }
}
