// The servers of the tests: `towline terminal` itself, and a way to it that can be cut.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import net from 'node:net';

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
    t.after(() => stop('SIGKILL'));
    const url = await new Promise((resolve, reject) => {
        const read = (bytes) => {
            log += bytes;
            // On a unix socket there is no address for a browser.
            const [, address, secret] = log.match(/(http:\/\/\S+)\s/) ?? log.match(/() access token is (\S+)\s/) ?? [];
            address !== undefined && resolve(address || `http://localhost/?token=${secret}`);
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.on('error', reject);
        ended.then((code) => reject(new Error(`towline terminal has ended with ${code} and printed no address:\n${log}`)));
    });
    const { origin, port, searchParams } = new URL(url);
    return { url, origin, port: Number(port), token: searchParams.get('token'), process: child, log: () => log, stop };
}

/** A way to a server, by its port or its unix socket, that can be cut, as by a network that goes away, and mended. */
export async function way(t, target) {
    const sockets = new Set();
    const listener = net.createServer((near) => {
        const far = typeof target === 'number' ? net.connect(target, '127.0.0.1') : net.connect(target);
        for (const socket of [near, far]) {
            sockets.add(socket);
            socket.on('error', () => {});
            socket.on('close', () => {
                sockets.delete(socket);
                near.destroy();
                far.destroy();
            });
        }
        near.pipe(far).pipe(near);
    });
    const mend = async (at) => {
        listener.listen(at, '127.0.0.1');
        await once(listener, 'listening');
        return listener.address().port;
    };
    const cut = async () => {
        const closed = once(listener, 'close');
        listener.close();
        sockets.forEach((socket) => socket.destroy());
        await closed;
    };
    t.after(() => listener.listening && cut());
    const own = await mend(0);
    return { port: own, cut, mend: () => mend(own) };
}
