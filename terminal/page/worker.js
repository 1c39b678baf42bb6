// The WebSocket, in a thread of its own: whatever the page draws, the server hears at once that it is enough for now.
// A page that drew and listened in turn would have taken in megabytes by then, and Ctrl-C would wait behind them.
import * as protocol from './protocol.js';

/** Bytes given to the page and not yet on its screen: above this no more is wanted, below it is again. */
const ENOUGH = 100_000;
/** Bytes after which the server is told how many have been taken in. */
const STEP = 32 * 1024;

let socket = null;
let waiting = 0;
let taken = 0;
let told = 0;
let paused = false;

onmessage = ({ data: { open, send, shown, leave } }) => {
    if (open) {
        connect(open);
    } else if (leave) {
        socket.close();
    } else if (send) {
        // What is said to nobody is lost, as on any WebSocket that is closing.
        socket.readyState === WebSocket.OPEN && socket.send(send);
    } else if (shown) {
        waiting -= shown;
        taken += shown;
        regulate();
        taken - told >= STEP && tell();
    }
};

function connect(address) {
    socket = new WebSocket(address, ['tty']);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => postMessage({ opened: true });
    socket.onclose = ({ code, reason }) => {
        postMessage({ closed: { code, reason } });
        close();
    };
    socket.onmessage = ({ data }) => {
        if (typeof data === 'string') {
            return;
        }
        // The first byte is never shown.
        waiting += protocol.isOutput(data) ? data.byteLength - 1 : 0;
        regulate();
        protocol.isJoined(data) && tell();
        postMessage({ message: data }, [data]);
    };
}

function tell() {
    told = taken;
    socket.readyState === WebSocket.OPEN && socket.send(protocol.taken(taken));
}

function regulate() {
    if (paused !== waiting > ENOUGH && socket.readyState === WebSocket.OPEN) {
        paused = !paused;
        socket.send(paused ? protocol.pause() : protocol.resume());
    }
}
