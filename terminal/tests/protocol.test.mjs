// The protocol as a client speaks it that is not ours: the npm package ws.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { containers, serve } from './support/server.mjs';
import { test } from './support/test.mjs';

const [first, second] = containers;
const PATIENCE = 15_000;

/** A WebSocket with what came over it. Messages are `[letter, bytes]`. */
class Client {
    constructor(server, { container = first, origin = server.origin, protocols = ['tty'] } = {}) {
        const query = container === null ? '' : `?container=${encodeURIComponent(container)}`;
        this.messages = [];
        this.changed = () => {};
        this.socket = new WebSocket(`${server.origin.replace('http', 'ws')}/ws${query}`, protocols, { ...(origin && { origin }) });
        this.socket.on('message', (data) => this.messages.push([String.fromCharCode(data[0]), data.subarray(1)]) && this.changed());
        this.socket.on('close', (code, reason) => {
            this.closed = { code, reason: reason.toString() };
            this.changed();
        });
        this.socket.on('unexpected-response', (_, response) => {
            this.refused = response.statusCode;
            response.destroy();
            this.changed();
        });
        this.socket.on('error', () => {});
        this.socket.on('open', () => {
            this.isOpen = true;
            this.changed();
        });
    }

    /** Waits until something is true of this client, and gives it back. */
    until(what, words) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`no ${words}; there came ${JSON.stringify(this.messages.map(([letter, bytes]) => letter + bytes))}, closed: ${JSON.stringify(this.closed)}, refused: ${this.refused}`)), PATIENCE);
            this.changed = () => {
                const found = what();
                if (found) {
                    clearTimeout(timer);
                    resolve(found);
                }
            };
            this.changed();
        });
    }

    opened = () => this.until(() => this.isOpen, 'handshake');
    close = () => this.until(() => this.closed, 'close');
    refusal = () => this.until(() => this.refused, 'refusal');
    message = (letter) => this.until(() => this.messages.find(([other]) => other === letter), `message ${letter}`);
    get output() {
        return Buffer.concat(this.messages.filter(([letter]) => letter === '0').map(([, bytes]) => bytes)).toString();
    }

    /** Waits for text; what steers a terminal is left out. */
    sees = (pattern) => this.until(() => pattern.test(this.output.replace(/\x1b\[[\d;?]*[a-zA-Z]/g, '')), `output ${pattern}`);
    send(message) {
        this.socket.send(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
    }

    /** Waits until the container's terminal has this size. An old Engine takes it only once the process runs. */
    async sized(rows, columns) {
        this.send(`0until [ "$(stty size)" = "${rows} ${columns}" ]; do :; done; echo is-"$(stty size)"\n`);
        await this.sees(new RegExp(`is-${rows} ${columns}\r\n`));
    }

    async join(fields) {
        await this.opened();
        this.send({ columns: 80, rows: 24, ...fields });
        const [, bytes] = await this.message('s');
        return JSON.parse(bytes);
    }
}

const headers = (server) => ({ Authorization: `Bearer ${server.token}` });
const token = async (server) => (await (await fetch(`${server.origin}/token`, { headers: headers(server) })).json()).token;

async function refused(t, hello, options) {
    const server = await serve(t);
    const client = new Client(server, options);
    await client.opened();
    client.send(typeof hello === 'function' ? await hello(server) : hello);
    const closed = await client.close();
    assert.ok(!client.messages.some(([letter]) => letter === 's'), 'it has joined');
    return closed;
}

test('a client that is not ours opens, types, resizes, and hears the exit code', async (t) => {
    const server = await serve(t);
    const client = new Client(server);
    const joined = await client.join({ AuthToken: await token(server), columns: 97, rows: 31 });
    assert.equal(client.socket.protocol, 'tty');
    assert.deepEqual([joined.columns, joined.rows, joined.readOnly, joined.replay], [97, 31, false, 0]);
    assert.ok(joined.session.length >= 16);
    await client.sees(/[#$] $/);
    client.send('0echo sum-$((40 + 2))\n');
    await client.sees(/sum-42\r\n/);
    await client.sized(31, 97);
    client.send('1{"columns":120,"rows":40}');
    await client.sized(40, 120);
    client.send('0exit 7\n');
    assert.deepEqual(JSON.parse((await client.message('x'))[1]), { code: 7 });
    assert.equal((await client.close()).code, 1000);
});

/** Speaks as ttyd's own page does: it knows no message of Towline's and no session, and asks for a token without having one. */
class Stock {
    parts = [];
    /** Pieces of output that are not drawn yet. */
    pending = 0;
    written = 0;
    changed = () => {};

    static async open(server, search) {
        const answer = await fetch(`${server.origin}/token`);
        assert.equal(answer.status, 200);
        return new Stock(server, search, (await answer.json()).token);
    }

    constructor(server, search, AuthToken) {
        this.socket = new WebSocket(`${server.origin.replace('http', 'ws')}/ws${search}`, ['tty'], { origin: server.origin });
        this.socket.on('open', () => this.socket.send(Buffer.from(JSON.stringify({ AuthToken, columns: 100, rows: 33 }))));
        // The title, 1, and preferences, 2, are nothing to this one; of others ttyd's page warns in the console, and goes on.
        this.socket.on('message', (data) => data[0] === '0'.charCodeAt(0) && this.draw(data.subarray(1)));
        this.ended = once(this.socket, 'close').then(([code]) => code);
    }

    /** Draws later than it hears. The flow control is ttyd's, with its numbers. */
    draw(bytes) {
        this.parts.push(bytes);
        this.written += bytes.length;
        if (this.written > 100_000) {
            this.written = 0;
            this.pending++;
            setImmediate(() => --this.pending < 4 && this.say('3'));
            this.pending > 10 && this.say('2');
        }
        this.changed();
    }

    say(message) {
        this.socket.send(Buffer.from(message));
    }

    /** Waits for output, in what came last. */
    sees(pattern) {
        return new Promise((resolve) => {
            this.changed = () => pattern.test(Buffer.concat(this.parts.slice(-9))) && resolve();
            this.changed();
        });
    }
}

test('a stock client of ttyd works, with a server that asks for no token', async (t) => {
    const server = await serve(t, '--no-token', '--allow', first);
    const client = await Stock.open(server, `?container=${first}`);
    await client.sees(/[#$] /);
    client.say('0until [ "$(stty size)" = "33 100" ]; do :; done; echo is-"$(stty size)"\n');
    await client.sees(/is-33 100\r\n/);
    client.say('1{"columns":120,"rows":40}');
    client.say('0until [ "$(stty size)" = "40 120" ]; do :; done; echo is-"$(stty size)"\n');
    await client.sees(/is-40 120\r\n/);
    client.say('0seq 500000; echo the-end-$((1))\n');
    await client.sees(/the-end-1\r\n/);
    const numbers = Array.from({ length: 500_000 }, (_, at) => `${at + 1}\r\n`).join('');
    assert.ok(Buffer.concat(client.parts).includes(`\r\n${numbers}the-end-1\r\n`), 'something was lost');
    client.say('0exit 3\n');
    assert.equal(await client.ended, 1000);
});

test('the access token itself opens, too', async (t) => {
    const server = await serve(t);
    const client = new Client(server);
    await client.join({ AuthToken: server.token });
    await client.sees(/[#$] $/);
});

test('a missing, a wrong and an empty token are refused', async (t) => {
    for (const hello of [{ columns: 80, rows: 24 }, { AuthToken: 'wrong' }, { AuthToken: '' }, { AuthToken: null }]) {
        const { code } = await refused(t, hello);
        assert.equal(code, 1008, JSON.stringify(hello));
    }
});

test('a token of the page is good once', async (t) => {
    const server = await serve(t);
    const once = await token(server);
    await new Client(server).join({ AuthToken: once });
    const second = new Client(server);
    await second.opened();
    second.send({ AuthToken: once, columns: 80, rows: 24 });
    assert.equal((await second.close()).code, 1008);
});

test('/token, /containers and /share want the access token', async (t) => {
    const server = await serve(t);
    for (const [path, method] of [['/token', 'GET'], ['/containers', 'GET'], ['/share', 'POST']]) {
        for (const Authorization of [undefined, 'Bearer ', 'Bearer wrong', `Basic ${server.token}`]) {
            const answer = await fetch(server.origin + path, { method, headers: Authorization ? { Authorization } : {} });
            assert.ok([401, 403].includes(answer.status), `${method} ${path} with ${Authorization}: ${answer.status}`);
            assert.ok(!(await answer.text()).includes('"token"'));
        }
    }
});

test('a page of another origin is refused before the handshake', async (t) => {
    const server = await serve(t);
    for (const origin of ['http://evil.example', 'https://127.0.0.1', 'null', `${server.origin}.evil.example`]) {
        assert.equal(await new Client(server, { origin }).refusal(), 403, origin);
    }
});

test('a first message that is none is refused', async (t) => {
    for (const hello of ['{', '{"AuthToken":', '[]', '0echo never\n', 'hello', '{"AuthToken":5}', '{"AuthToken":{}}', `{"AuthToken":"${'x'.repeat(100_000)}"}`]) {
        const { code } = await refused(t, hello);
        assert.ok([1002, 1003, 1007, 1008, 1009].includes(code), `${hello.slice(0, 40)}: ${code}`);
    }
});

test('sizes that are none are ignored', async (t) => {
    const server = await serve(t);
    const client = new Client(server);
    const { session } = await client.join({ AuthToken: await token(server), columns: 81, rows: 25 });
    await client.sees(/[#$] $/);
    await client.sized(25, 81);
    // Who is there, too, hears of each size that counts, in their order.
    const other = new Client(server);
    await other.join({ AuthToken: await token(server), session, columns: 81, rows: 25 });
    for (const size of ['', '{', '{}', 'null', '{"columns":0,"rows":0}', '{"columns":-1,"rows":24}', '{"columns":65536,"rows":24}',
        '{"columns":1e99,"rows":24}', '{"columns":NaN,"rows":24}', '{"columns":"80","rows":"24"}', '{"columns":80.5,"rows":24}']) {
        client.send(`1${size}`);
    }
    client.send('1{"columns":82,"rows":26}');
    assert.deepEqual(JSON.parse((await other.message('r'))[1]), { columns: 82, rows: 26 });
    await client.sized(26, 82);
});

test('unknown messages, empty ones and text are survived', async (t) => {
    const server = await serve(t);
    const client = new Client(server);
    await client.join({ AuthToken: await token(server) });
    await client.sees(/[#$] $/);
    client.socket.send(Buffer.alloc(0));
    client.send('zwhat is this');
    client.send('{"AuthToken":"again"}');
    client.send('0echo alive-$((1))\n');
    await client.sees(/alive-1\r\n/);
});

test('who only watches is not heard, and sees all', async (t) => {
    const server = await serve(t);
    const writer = new Client(server);
    const { session } = await writer.join({ AuthToken: await token(server), columns: 90, rows: 30 });
    await writer.sees(/[#$] $/);
    await writer.sized(30, 90);
    const answer = await fetch(`${server.origin}/share`, {
        method: 'POST', headers: { ...headers(server), 'Content-Type': 'application/json' }, body: JSON.stringify({ session }),
    });
    const shared = await answer.json();
    assert.equal(shared.session, session);

    const viewer = new Client(server, { container: null });
    const joined = await viewer.join({ AuthToken: shared.token, session });
    assert.deepEqual([joined.readOnly, joined.columns, joined.rows], [true, 90, 30]);
    viewer.send('0echo intruder\n');
    viewer.send('1{"columns":10,"rows":10}');
    viewer.send('4');
    // It can be counted on that these were read: the server answers in the order of asking.
    await new Promise((resolve) => {
        viewer.socket.once('pong', resolve);
        viewer.socket.ping();
    });
    writer.send('0echo heard-$((1)) $(stty size)\n');
    await viewer.sees(/heard-1 30 90\r\n/);
    await writer.sees(/heard-1 30 90\r\n/);
    assert.doesNotMatch(writer.output, /intruder/);
    assert.ok(!writer.messages.some(([letter]) => letter === 'r'), 'it was resized');

    // Its token opens nothing, and leads to no other session, whatever else is asked for.
    for (const fields of [{}, { session: 'another' }, { session: `${session}x` }, { readOnly: false }]) {
        const other = await new Client(server).join({ AuthToken: shared.token, ...fields });
        assert.deepEqual([other.session, other.readOnly], [session, true], JSON.stringify(fields));
    }
});

test('only sessions that exist can be shared', async (t) => {
    const server = await serve(t);
    for (const body of ['', '{', '[]', 'null', '{}', '{"session":5}', '{"session":"made-up"}', '{"session":{}}']) {
        const answer = await fetch(`${server.origin}/share`, {
            method: 'POST', headers: { ...headers(server), 'Content-Type': 'application/json' }, body,
        });
        assert.ok(answer.status >= 400 && answer.status < 500, `${body}: ${answer.status}`);
    }
});

test('a container outside the allow-list is not opened', async (t) => {
    const server = await serve(t, '--allow', first);
    const list = await (await fetch(`${server.origin}/containers`, { headers: headers(server) })).json();
    assert.deepEqual(list.containers.map(({ name }) => name), [first]);
    for (const container of [second, 'none-such', '', '../containers', `${first}/../${second}`, null]) {
        const client = new Client(server, { container });
        const ended = await client.until(() => {
            if (client.isOpen && !client.said) {
                client.said = true;
                client.send({ AuthToken: server.token, columns: 80, rows: 24 });
            }
            return client.refused ?? client.closed?.code;
        }, 'refusal');
        assert.ok([400, 403, 404, 1008, 1011].includes(ended), `${container}: ${ended}`);
        assert.ok(!client.messages.some(([letter]) => letter === 's'), `${container} was opened`);
    }
});

test('a session is joined again with what it has written', async (t) => {
    const server = await serve(t);
    const client = new Client(server);
    const { session } = await client.join({ AuthToken: await token(server) });
    await client.sees(/[#$] $/);
    client.send('0echo said-$((1))\n');
    await client.sees(/said-1\r\n[^]*[#$] $/);
    client.socket.terminate();
    const again = new Client(server);
    const joined = await again.join({ AuthToken: await token(server), session });
    assert.equal(joined.session, session);
    await again.until(() => Buffer.byteLength(again.output) >= joined.replay, 'replay');
    assert.equal(again.output, client.output);
});
