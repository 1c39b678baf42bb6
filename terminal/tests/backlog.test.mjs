// What waits for the terminal: however much is left out of it, the terminal shows and remembers the same in the end.
import assert from 'node:assert/strict';
import headless from '@xterm/headless';
import { Backlog } from '../page/backlog.js';
import { test } from './support/test.mjs';

const SCROLLBACK = 200;
const encoder = new TextEncoder();

const terminal = () => new headless.Terminal({ cols: 40, rows: 12, scrollback: SCROLLBACK, allowProposedApi: true, logLevel: 'off' });

/** A terminal behind a backlog, which gets nothing until it is let go: all waits, as in a flood. */
function behind() {
    const it = { terminal: terminal(), given: 0, done: 0, came: 0, held: [], open: false, busy: 0 };
    const write = (bytes, done) => {
        it.given += bytes.length;
        it.busy++;
        it.terminal.write(bytes, () => {
            it.busy--;
            done();
        });
    };
    it.backlog = new Backlog((bytes, done) => it.open ? write(bytes, done) : it.held.push([bytes, done]), () => SCROLLBACK + it.terminal.rows);
    const done = (count) => it.done += count;
    it.add = (bytes) => {
        it.came += bytes.length;
        it.backlog.add(bytes, done);
    };
    it.drained = async () => {
        it.open = true;
        it.held.splice(0).forEach(([bytes, done]) => write(bytes, done));
        while (it.busy > 0) {
            await new Promise((resolve) => it.terminal.write('', resolve));
        }
        return contents(it.terminal);
    };
    return it;
}

/** All that can be seen of a terminal, now or by scrolling up. */
function contents({ buffer: { active } }) {
    const lines = [];
    for (let at = 0; at < active.length; at++) {
        const line = active.getLine(at);
        const colours = Array.from({ length: line.length }, (_, column) => line.getCell(column).getFgColor());
        lines.push([line.translateToString(), line.isWrapped, colours.join()]);
    }
    return { lines, cursor: [active.cursorX, active.cursorY], type: active.type };
}

/** The same bytes, in pieces, straight to a terminal and through a backlog. */
async function compare(bytes, cut) {
    const plain = terminal();
    const it = behind();
    for (let at = 0; at < bytes.length;) {
        const piece = bytes.subarray(at, at += cut());
        plain.write(piece);
        it.add(piece);
    }
    await new Promise((resolve) => plain.write('', resolve));
    assert.deepEqual(await it.drained(), contents(plain));
    assert.equal(it.done, it.came, 'all is accounted for');
    return it;
}

test('of a flood of lines the terminal gets what it can show', async () => {
    const it = await compare(encoder.encode('y\r\n'.repeat(400_000)), () => 5000);
    assert.ok(it.given < 64 * 1024, `${it.given} bytes were given to the terminal`);
});

test('what is more than text reaches the terminal whole', async () => {
    for (const line of ['\x1b[31my\r\n', 'a\rb\x07\r\n', '\x1b]0;title\x07\r\n', 'staircase\n', '\x9b1m\u009b2m\r\n']) {
        const it = await compare(encoder.encode(line.repeat(50_000)), () => 4096);
        assert.equal(it.given, it.came, JSON.stringify(line));
    }
});

test('a flood on the other screen, in a scroll region, and before and behind colours', async () => {
    const flood = 'the quick brown fox jumps over the lazy dog\r\n'.repeat(8000);
    for (const [before, after] of [
        ['', '\x1b[32mready> '],
        ['\x1b[1;31mred ', '^C\r\n$ '],
        ['\x1b[?1049h', 'at the end'],
        ['\x1b[?1049h\x1b[3;6r\x1b[4;1H', '\x1b[r\x1b[1;1Htop'],
        ['\x1b[2J\x1b[H', '\x1b[3Aup'],
    ]) {
        const it = await compare(encoder.encode(`${before}${flood}${after}`), () => 3000);
        assert.ok(it.given < it.came / 4, `${it.given} of ${it.came} bytes were given to the terminal`);
    }
});

test('any mixture, cut anywhere', async () => {
    // Deterministic: a failure can be run again.
    let seed = 1;
    const random = (below) => (seed = seed * 48271 % 2147483647) % below;
    const parts = [
        () => 'y\r\n'.repeat(random(20_000)),
        // No joiners: what xterm.js makes of one depends on where the bytes are cut.
        () => 'naïve 漢字 🚀 e\u0301\r\n'.repeat(random(4000)),
        () => `${'x'.repeat(random(300))}\r\n`.repeat(random(400)),
        () => 'no end ', () => '\r', () => '\r\n', () => '\t', () => '\n',
        () => `\x1b[3${random(8)}m`, () => '\x1b[', () => `\x1b[${random(12)};${random(40)}H`, () => '\x1b[J', () => '\x1bM',
        () => '\u009b1m', () => '\u00a0', () => 'a\nb\n'.repeat(random(2000)),
    ];
    for (let round = 0; round < 100; round++) {
        let text = '';
        for (let count = random(12) + 1; count > 0; count--) {
            text += parts[random(parts.length)]();
        }
        await compare(encoder.encode(text), () => 1 + random(9000));
    }
});

test('an echo is with the terminal at once, and what was waiting can be forgotten', async () => {
    const it = behind();
    it.open = true;
    it.add(encoder.encode('k'));
    assert.equal(it.given, 1);
    const other = behind();
    other.add(encoder.encode('y\r\n'.repeat(100_000)));
    other.backlog.clear();
    other.add(encoder.encode('new'));
    const { lines } = await other.drained();
    assert.match(lines.map(([text]) => text.trimEnd()).join(''), /^y*new$/);
});
