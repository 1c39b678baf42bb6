// How it looks, in the dark and in the light, on a desk and on a phone. The pictures are for people to look at.
import assert from 'node:assert/strict';
import { choose, notice, open, picture, prompt, run, screen, sees } from './support/browser.mjs';
import { containers, serve } from './support/server.mjs';
import { test } from './support/test.mjs';

const [first, second] = containers;

/** Waits until the page and the terminal in it are dark, or light. */
const becomes = (page, light) => page.waitForFunction((wanted) => {
    const grounds = [document.body, document.querySelector('.panel.chosen .xterm-scrollable-element')].filter(Boolean);
    return grounds.every((element) => {
        const [red, green, blue] = getComputedStyle(element).backgroundColor.match(/\d+/g).map(Number);
        return wanted === (red + green + blue < 3 * 128 ? 'dark' : 'light');
    });
}, light);
const SCENE = 'clear; ls --color=always /; printf "\\033[1;32mgreen \\033[0;34mblue \\033[31mred \\033[33myellow \\033[35mmagenta \\033[36mcyan\\033[0m\\n"';

for (const colorScheme of ['dark', 'light']) {
    test(`${colorScheme} by the system's word`, async (t) => {
        const { url } = await serve(t);
        const page = await open(t, url, { colorScheme, viewport: { width: 1000, height: 560 } });
        await page.locator('[role=option]').first().waitFor();
        await picture(page, `chooser-${colorScheme}`);
        await becomes(page, colorScheme);
        await choose(page, second);
        await page.keyboard.press('Alt+Shift+N');
        await choose(page, first);
        await run(page, SCENE);
        await sees(page, /magenta cyan/);
        await picture(page, `terminal-${colorScheme}`);
        await becomes(page, colorScheme);
        await page.emulateMedia({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' });
        await becomes(page, colorScheme === 'dark' ? 'light' : 'dark');
        await page.emulateMedia({ colorScheme });
        await becomes(page, colorScheme);
        await page.locator('#settings').click();
        await picture(page, `settings-${colorScheme}`);
        await page.keyboard.press('Escape');
        await page.locator('#share').click();
        await page.getByLabel('Link').waitFor();
        await picture(page, `share-${colorScheme}`);
        await page.keyboard.press('Escape');
        await run(page, 'exit 3');
        await notice(page, 'exit code 3');
        await picture(page, `ended-${colorScheme}`);
    });
}

test('the picture of the README', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url, { colorScheme: 'dark', viewport: { width: 860, height: 350 }, deviceScaleFactor: 2 });
    await choose(page, second);
    await page.keyboard.press('Alt+Shift+N');
    await choose(page, first);
    const idle = /^\/home \$ ?$/;
    const script = ['#!/bin/sh', 'for step in "reading notes" "writing logs"; do', '    printf "\\033[32mok\\033[0m  $step\\n"', 'done'];
    await run(page, `PS1="\\e[36m\\w\\e[0m \\$ "; cd /home; rm -rf *; mkdir logs; printf '%s\\n' ${script.map((line) => `'${line}'`).join(' ')} >start.sh; clear`);
    await sees(page, idle);
    for (const [command, last] of [['chmod +x start.sh; echo "see logs/" >notes.txt', '\\$ chmod .*'], ['ls -l --color=always', 'start\\.sh'],
        ['./start.sh', 'ok  writing logs'], ['echo "$(tty), $(stty size), $TERM"', '.*, xterm-256color']]) {
        await run(page, command);
        await sees(page, new RegExp(`${last}\n/home \\$ ?$`));
    }
    await picture(page, 'readme');
});

test('the button turns the light on and off, and it stays so', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url, { colorScheme: 'dark' });
    await prompt(page);
    await page.locator('#theme').click();
    await becomes(page, 'light');
    await page.reload();
    await prompt(page);
    await becomes(page, 'light');
    await page.locator('#theme').click();
    await becomes(page, 'dark');
});

test('a phone: nothing sticks out, and the keys that it lacks are there', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url, {
        viewport: { width: 390, height: 720 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark',
    });
    await page.locator('[role=option]').first().waitFor();
    await picture(page, 'phone-chooser');
    await page.locator('[role=option]', { hasText: first }).tap();
    await prompt(page);
    await run(page, SCENE);
    await sees(page, /magenta cyan/);
    await picture(page, 'phone-terminal');
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inner <= outer, `the page is ${inner} pixels wide on a screen of ${outer}`);

    const key = (name) => page.locator('#keys').getByRole('button', { name, exact: true });
    // Up brings back the last command, Tab completes, Ctrl makes the next letter a control character.
    await run(page, 'clear; echo first-$((1))');
    await sees(page, /^first-1$/m);
    await run(page, 'clear');
    await sees(page, /^\S+ # ?$/);
    await key('Up').tap();
    await key('Up').tap();
    await page.keyboard.press('Enter');
    await sees(page, /^first-1$/m);
    // Before the shell has let go of it, the terminal takes no key for a signal.
    await run(page, 'clear; echo going-$((1)); cat');
    await sees(page, /^going-1$/m);
    await key('Ctrl').tap();
    assert.equal(await key('Ctrl').getAttribute('aria-pressed'), 'true');
    await page.keyboard.type('c');
    await sees(page, /\^C/);
    assert.equal(await key('Ctrl').getAttribute('aria-pressed'), 'false');
    await run(page, 'clear; echo la""st');
    await sees(page, /^last$/m);
    await page.keyboard.type('cd /et');
    await key('Tab').tap();
    await sees(page, /cd \/etc\/$/m);
    await key('Copy').tap();
    assert.match(await page.locator('dialog .text').textContent(), /^last$/m);
    await picture(page, 'phone-text');
});

test('a finger scrolls', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url, { viewport: { width: 390, height: 720 }, isMobile: true, hasTouch: true });
    await prompt(page);
    await run(page, 'clear; seq 200; echo bottom');
    await sees(page, /^bottom$/m);
    const client = await page.context().newCDPSession(page);
    const touch = (kind, y) => client.send('Input.dispatchTouchEvent', { type: `touch${kind}`, touchPoints: y ? [{ x: 150, y }] : [] });
    await touch('Start', 200);
    for (let y = 220; y <= 500; y += 40) {
        await touch('Move', y);
    }
    await touch('End');
    await page.waitForFunction(() => !/bottom/.test(document.querySelector('.xterm-rows').textContent));
    assert.match(await screen(page), /^1[0-9]\d$/m);
    // Where a program has the screen for itself, it is told instead.
    await run(page, 'printf "\\033[?1049h\\033[H"; cat -v');
    await page.waitForFunction(() => !/\d/.test(document.querySelector('.xterm-rows').textContent));
    await touch('Start', 500);
    for (let y = 480; y >= 200; y -= 40) {
        await touch('Move', y);
    }
    await touch('End');
    await sees(page, /\^\[(\[|O)B/);
});
