// The servers of the tests: `towline terminal` itself, and a way to it that can be cut.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Milliseconds in which a server can have ended the processes of its sessions, however they take it. */
const GOODBYE = 15_000;

const tool = process.env.TOWLINE_TERMINAL ?? fileURLToPath(new URL('../../../bin/towline', import.meta.url));

/** The containers that scripts/test-browser has started: two that run, and their names' common beginning. */
export const containers = JSON.parse(process.env.TOWLINE_TEST_CONTAINERS ?? 'null');
assert(containers, 'there are no containers to test with; run: make test-browser');

/**
 * Starts `towline terminal`, which ends with the test.
 * @returns {Promise<{url: string, origin: string, token: ?string, port: number, process: ChildProcess, log: () => string, stop: (signal?: string) => Promise<number>}>}
 */
export async function serve(t, ...options) {
    const listen = options.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const child = spawn(tool, ['terminal', ...listen, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
    const stop = (signal = 'SIGTERM') => {
        child.kill(signal);
        return ended;
    };
    // It ends what runs in its sessions, which would go on in the containers and keep the machine busy.
    t.after(async () => {
        const timer = setTimeout(() => child.kill('SIGKILL'), GOODBYE);
        await stop();
        clearTimeout(timer);
    });
    const url = await new Promise((resolve, reject) => {
        const read = (bytes) => {
            log += bytes;
            const address = log.match(/http:\/\/\S+(?=\s)/);
            // On a unix socket there is none for a browser.
            const socket = log.match(/Terminals on unix:\S+?(?:; the access token is (\S+))?\n/);
            (address ?? socket) && resolve(address?.[0] ?? `http://localhost/${socket[1] ? `?token=${socket[1]}` : ''}`);
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.on('error', reject);
        ended.then((code) => reject(new Error(`towline terminal has ended with ${code} and printed no address:\n${log}`)));
    });
    const { origin, port, searchParams } = new URL(url);
    return { url, origin, port: Number(port), token: searchParams.get('token'), process: child, log: () => log, stop };
}

/** A folder that goes with the test. */
export async function folder(t) {
    const path = await mkdtemp(`${tmpdir()}/towline-terminal-`);
    t.after(() => rm(path, { recursive: true, force: true }));
    return path;
}

/**
 * A way to a server, by its port or its unix socket, that can be cut, as by a network that goes away, and mended. While it is
 * cut it keeps its port, which somebody else might be given, and hangs up on whoever comes.
 */
export async function way(t, target) {
    const sockets = new Set();
    let down = false;
    const listener = net.createServer((near) => {
        near.on('error', () => {});
        if (down) {
            near.destroy();
            return;
        }
        const far = typeof target === 'number' ? net.connect(target, '127.0.0.1') : net.connect(target);
        far.on('error', () => {});
        for (const socket of [near, far]) {
            sockets.add(socket);
            socket.on('close', () => {
                sockets.delete(socket);
                near.destroy();
                far.destroy();
            });
        }
        near.pipe(far).pipe(near);
    });
    const cut = () => {
        down = true;
        sockets.forEach((socket) => socket.destroy());
    };
    t.after(() => {
        cut();
        listener.close();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return { port: listener.address().port, cut, mend: () => down = false };
}
