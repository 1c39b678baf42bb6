// How the page says that it cannot keep up, to a server of this test's own: it sends as much at a time as it likes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { open, sees, type } from './support/browser.mjs';
import { test } from './support/test.mjs';

/** Bytes that wait for the page's screen, above which no more is wanted. */
const ENOUGH = 100_000;
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
const ANSWERS = {
    '/containers': { containers: [{ id: '1', name: 'one', image: 'box', state: 'running' }], readOnly: false },
    '/token': { token: 'good' },
};

/** Serves the page with one container and one session, which answers nothing by itself. `heard` is what the page has said. */
async function server(t) {
    const listener = http.createServer(async ({ url }, response) => {
        const { pathname } = new URL(url, 'http://localhost');
        if (pathname in ANSWERS) {
            response.setHeader('Content-Type', 'application/json').end(JSON.stringify(ANSWERS[pathname]));
            return;
        }
        const name = pathname === '/' ? 'index.html' : pathname.slice(1);
        const file = await readFile(new URL(`../public/${name}`, import.meta.url));
        response.setHeader('Content-Type', TYPES[name.split('.').pop()]).end(file);
    });
    const sockets = new WebSocketServer({ server: listener });
    const it = { heard: [], send: null, url: null };
    let wake = () => {};
    sockets.on('connection', (socket) => {
        it.send = (text) => socket.send(Buffer.from(text));
        socket.on('message', (data) => {
            const message = data.toString();
            if (message.startsWith('{')) {
                const { columns, rows } = JSON.parse(message);
                it.send(`s${JSON.stringify({ session: 'only', columns, rows, readOnly: false, replay: 0 })}`);
            }
            it.heard.push(message);
            wake();
        });
    });
    /** Waits for a message of the page. */
    it.hears = async (message) => {
        while (!it.heard.includes(message)) {
            await new Promise((resolve) => wake = resolve);
        }
    };
    t.after(() => {
        sockets.clients.forEach((socket) => socket.terminate());
        listener.close();
        listener.closeAllConnections();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    it.url = `http://127.0.0.1:${listener.address().port}/`;
    return it;
}

/** Output of so many bytes that ends with a row of its own. */
const output = (length, last) => `0${'a line of text\r\n'.repeat(length / 16 + 1).slice(0, length - last.length - 2)}\r\n${last}`;

test('above 100 kB that wait for the screen the page says that it is enough, and below that it is not', async (t) => {
    const it = await server(t);
    const page = await open(t, it.url);
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    it.send(output(ENOUGH, 'first'));
    await sees(page, /^first$/m);
    await type(page, 'a');
    await it.hears('0a');
    it.send(output(ENOUGH + 1, 'second'));
    await sees(page, /^second$/m);
    await type(page, 'b');
    await it.hears('0b');
    // Between the keys, in this order.
    assert.deepEqual(it.heard.filter((message) => /^[023]/.test(message)), ['0a', '2', '3', '0b']);
});
