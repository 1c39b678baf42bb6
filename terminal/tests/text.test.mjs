// Bytes become characters only on the screen, however they were split; and programs' questions are answered once.
import assert from 'node:assert/strict';
import { open, prompt, run, screen, sees } from './support/browser.mjs';
import { containers, serve } from './support/server.mjs';
import { test } from './support/test.mjs';

/** Waits for a WebSocket message that ends with these bytes. */
function message(page, ...bytes) {
    const end = Buffer.from(bytes);
    return new Promise((resolve) => page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
        Buffer.from(payload).subarray(-end.length).equals(end) && resolve();
    })));
}

test('wide and combining characters whose bytes come in different messages', async (t) => {
    const { url } = await serve(t, '--allow', containers[0]);
    const page = await open(t, 'about:blank');
    // 你 is e4 bd a0, 好 e5 a5 bd; e with a combining acute accent: 65 cc 81; 🙂 f0 9f 99 82.
    const pieces = [[0xe4], [0xbd], [0xa0, 0xe5, 0xa5], [0xbd, 0x65, 0xcc], [0x81, 0xf0], [0x9f, 0x99], [0x82, 0x7c]];
    const sent = pieces.map((piece) => message(page, ...piece));
    await page.goto(url);
    await prompt(page);
    const octal = (piece) => piece.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    await run(page, `clear; stty -echo; for piece in ${pieces.map((piece) => `'${octal(piece)}'`).join(' ')}; do read go; printf "$piece"; done; read go; stty echo; echo done`);
    for (const piece of sent) {
        await page.keyboard.press('Enter');
        await piece;
    }
    await sees(page, '你好e\u0301🙂|');
    // The bar stands in the eighth cell: 2 + 2 + 1 + 2 before it.
    const [cell, left] = await page.evaluate(() => {
        const row = [...document.querySelectorAll('.xterm-rows > div')].find((it) => it.textContent.includes('你'));
        const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
        const range = document.createRange();
        while (walker.nextNode()) {
            const at = walker.currentNode.data.lastIndexOf('|');
            if (at >= 0) {
                range.setStart(walker.currentNode, at);
                range.setEnd(walker.currentNode, at + 1);
            }
        }
        const width = document.querySelector('.xterm-screen').getBoundingClientRect().width
            / Number(document.querySelector('#size').textContent.split(' ')[0]);
        return [width, range.getBoundingClientRect().left - row.getBoundingClientRect().left];
    });
    assert.equal(Math.round(left / cell), 7);
    await page.keyboard.press('Enter');
    await sees(page, /done$/m);
});

test('what a program asks the terminal is answered, and not once more when the scrollback comes again', async (t) => {
    const { url } = await serve(t, '--allow', containers[0]);
    const page = await open(t, url);
    await prompt(page);
    // Where is the cursor; is output synchronised? The second answer takes code that minifiers have broken.
    await run(page, 'clear; stty -icanon -echo; printf "\\n\\033[6n"; a=$(dd bs=1 count=6 2>/dev/null); printf "\\033[?2026\\$p"; b=$(dd bs=1 count=11 2>/dev/null); stty icanon echo; echo "$a $b" | tr "\\033" "^"');
    await sees(page, /\^\[\d;1R \^\[\?2026;\d\$y/);
    await page.reload();
    await sees(page, /\^\[\d;1R \^\[\?2026;\d\$y/);
    await run(page, 'echo only-$((1))');
    await sees(page, /^only-1$/m);
    // A second answer would stand in front of the command, as if it had been typed.
    assert.match(await screen(page), /[$#] echo only-/);
});

test('a paste of many lines arrives whole', async (t) => {
    const { url } = await serve(t, '--allow', containers[0]);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'clear; stty -echo; wc -c; stty echo');
    const text = `${'é'.repeat(49)}\n`.repeat(1500);
    await page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await page.keyboard.press('Control+Shift+V');
    await page.keyboard.press('Control+D');
    await sees(page, new RegExp(`^${Buffer.byteLength(text)}$`, 'm'));
});
