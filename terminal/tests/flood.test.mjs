// A process that writes faster than a page can draw: the page stays alive, nothing is lost, and Ctrl-C still works.
import assert from 'node:assert/strict';
import { open, prompt, run, sees } from './support/browser.mjs';
import { containers, serve } from './support/server.mjs';
import { test } from './support/test.mjs';

/** Milliseconds. */
const LIMIT = 500;
const ROUNDS = 5;
/** Bytes after which a flood is under way. */
const UNDER_WAY = 1024 * 1024;
const MEBIBYTES = 100;

/** Presses Ctrl-C and tells how long it took until the shell's prompt stood on the screen, by the browser's clock. */
async function interrupt(page) {
    // Two steps: the key must not overtake the one who waits for it.
    const measured = await page.evaluateHandle(() => ({ time: new Promise((resolve) => {
        let pressed = null;
        addEventListener('keydown', (event) => {
            if (event.ctrlKey && event.code === 'KeyC') {
                pressed = event.timeStamp;
            }
        }, true);
        const look = () => {
            const rows = [...document.querySelectorAll('.panel.chosen .xterm-rows > div')].map((row) => row.textContent.trimEnd());
            const last = rows.filter(Boolean).pop() ?? '';
            if (pressed !== null && last.startsWith('ready>')) {
                resolve(performance.now() - pressed);
                return;
            }
            requestAnimationFrame(look);
        };
        look();
    }) }));
    await page.keyboard.press('Control+C');
    return measured.evaluate(({ time }) => time);
}

/** Counts the bytes that come to the page; `more(count)` waits for so many more. */
function meter(page) {
    let came = 0;
    let wake = () => {};
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
        came += payload.length;
        wake();
    }));
    return {
        async more(count) {
            const until = came + count;
            while (came < until) {
                await new Promise((resolve) => wake = resolve);
            }
        },
    };
}

async function shell(t) {
    const { url } = await serve(t, '--allow', containers[0]);
    const page = await open(t, 'about:blank');
    const output = meter(page);
    await page.goto(url);
    await prompt(page);
    await run(page, 'PS1="ready> "');
    await sees(page, /^ready>$/m);
    return { page, output };
}

async function interrupted(t, command) {
    const { page, output } = await shell(t);
    const times = [];
    for (let n = 0; n < ROUNDS; n++) {
        await run(page, command);
        await output.more(UNDER_WAY);
        times.push(await interrupt(page));
    }
    tell(t, `Ctrl-C during "${command}": ${times.map((time) => `${time.toFixed(0)} ms`).join(', ')}`, times);
    await run(page, 'echo alive-$((1))');
    await sees(page, /^alive-1$/m);
}

function tell(t, words, times) {
    t.diagnostic(words);
    assert.ok(Math.max(...times) < LIMIT, `${words}; at most ${LIMIT} ms are allowed`);
}

test('Ctrl-C ends `yes` within 500 ms', (t) => interrupted(t, 'yes'));

test('Ctrl-C ends a flood of long lines within 500 ms', (t) =>
    interrupted(t, 'yes "the quick brown fox jumps over the lazy dog and runs away again"'));

async function bigFile(page) {
    await run(page, `yes "the quick brown fox jumps over the lazy dog" | head -c ${MEBIBYTES}m >/tmp/big; clear; wc -c </tmp/big`);
    await sees(page, new RegExp(`^${MEBIBYTES * 1024 * 1024}$`, 'm'), 60_000);
}

test(`a file of ${MEBIBYTES} MiB goes by, and its end is there`, { timeout: 300_000 }, async (t) => {
    const { page, output } = await shell(t);
    await bigFile(page);
    const all = output.more(MEBIBYTES * 1024 * 1024);
    const start = performance.now();
    await run(page, 'cat /tmp/big; echo; echo the-end-$((5))');
    await all;
    await sees(page, /^the-end-5$/m);
    t.diagnostic(`cat of ${MEBIBYTES} MiB: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    await run(page, 'rm /tmp/big; echo alive-$((1))');
    await sees(page, /^alive-1$/m);
});

test(`Ctrl-C ends \`cat\` of ${MEBIBYTES} MiB within 500 ms`, { timeout: 120_000 }, async (t) => {
    const { page, output } = await shell(t);
    await bigFile(page);
    await run(page, 'cat /tmp/big');
    await output.more(UNDER_WAY);
    const time = await interrupt(page);
    tell(t, `Ctrl-C during cat: ${time.toFixed(0)} ms`, [time]);
    await run(page, 'rm /tmp/big; echo alive-$((1))');
    await sees(page, /^alive-1$/m);
});
