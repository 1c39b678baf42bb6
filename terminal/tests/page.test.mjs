// What a person does with one window: choosing a container, typing, resizing, coming back, tabs, starting again.
import assert from 'node:assert/strict';
import { choose, notice, open, prompt, run, screen, sees, type } from './support/browser.mjs';
import { containers, serve, way } from './support/server.mjs';
import { test } from './support/test.mjs';

const [first, second] = containers;

test('the token leaves the address bar, and the list of containers is for choosing', async (t) => {
    const { url, origin } = await serve(t);
    const page = await open(t, url);
    const options = page.locator('[role=option]');
    await options.first().waitFor();
    assert.equal(page.url(), `${origin}/`);
    const names = await page.locator('[role=option] .name').allTextContents();
    assert.ok(containers.every((name) => names.includes(name)), `the list shows ${names}`);

    // By the keyboard alone: the filter has it from the start.
    await page.keyboard.type(second.slice(0, 4));
    assert.deepEqual(await page.locator('[role=option] .name').allTextContents(), [second]);
    await page.keyboard.press('Enter');
    await prompt(page);
    assert.equal(await page.locator('[role=tab]').textContent(), second);
    assert.match(await page.title(), new RegExp(second));
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
});

test('a filter that nothing matches says so', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url);
    await page.locator('[role=option]').first().waitFor();
    await page.keyboard.type('nothing has this name');
    await page.locator('.chooser .words', { hasText: 'No container matches.' }).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.xterm').count(), 0);
});

test('the only container opens by itself', async (t) => {
    const { url } = await serve(t, '--allow', first);
    await prompt(await open(t, url));
});

test('the page types into a container and shows what it answers', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'echo sum-$((20 + 22)); hostname >/dev/null && echo "grüße 🙂"');
    await sees(page, /^sum-42$/m);
    await sees(page, /^grüße 🙂/m);
});

test('a new size of the window is a new size of the terminal', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    // The Engine takes a size on another connection than what is typed, and a window may change in steps.
    await run(page, 'last=; while :; do now=$(stty size); [ "$now" = "$last" ] || echo "is $now"; last=$now; done');
    /** Waits until the container has the size that the page tells, another than before. */
    const agreed = async (before) => (await page.waitForFunction((old) => {
        const [columns, rows] = document.querySelector('#size').textContent.split(' × ');
        const shown = [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.trimEnd()).filter(Boolean).pop();
        const size = `is ${rows} ${columns}`;
        return shown === size && size !== old && size;
    }, before)).jsonValue();
    const before = await agreed(null);
    await page.setViewportSize({ width: 700, height: 430 });
    await agreed(before);
});

test('a larger font means fewer columns, also after a reload', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    const columns = async () => Number((await page.locator('#size').textContent()).split(' ')[0]);
    const before = await columns();
    await page.locator('#settings').click();
    for (let n = 0; n < 4; n++) {
        await page.getByRole('button', { name: 'Larger' }).click();
    }
    await page.keyboard.press('Escape');
    const after = await columns();
    assert.ok(after < before, `${after} columns after ${before}`);
    await page.reload();
    await prompt(page);
    assert.equal(await columns(), after);
});

test('a reload finds the session again', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'kept=$$; echo pid-$kept');
    await sees(page, /^pid-\d+$/m);
    await page.reload();
    // The scrollback comes again, and the shell is the same one.
    await sees(page, /^pid-\d+$/m);
    await run(page, 'clear; [ $kept = $$ ] && echo same-$kept');
    await sees(page, /^same-\d+$/m);
});

test('a reload brings back all tabs, in their order', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url);
    await choose(page, first);
    await run(page, 'echo one-$((1))');
    await sees(page, /^one-1$/m);
    await page.keyboard.press('Alt+Shift+N');
    await choose(page, second);
    await run(page, 'echo two-$((2))');
    await sees(page, /^two-2$/m);
    await page.reload();
    await sees(page, /^two-2$/m);
    assert.deepEqual(await page.locator('[role=tab]').allTextContents(), [first, second]);
    await page.keyboard.press('Alt+Shift+ArrowLeft');
    await sees(page, /^one-1$/m);
});

test('tabs by keyboard: new, along the row, into the terminal, closed', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url);
    await choose(page, first);
    await page.keyboard.press('Alt+Shift+N');
    await choose(page, second);
    const chosen = () => page.locator('[role=tab][aria-selected=true]').textContent();
    assert.equal(await chosen(), second);
    await page.keyboard.press('Alt+Shift+ArrowUp');
    assert.equal(await page.evaluate(() => document.activeElement.role ?? document.activeElement.getAttribute('role')), 'tab');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await chosen(), first);
    await page.keyboard.press('End');
    assert.equal(await chosen(), second);
    await page.keyboard.press('Enter');
    await page.keyboard.type('echo typed-$((3))\n');
    await sees(page, /^typed-3$/m);
    await page.keyboard.press('Alt+Shift+W');
    assert.deepEqual(await page.locator('[role=tab]').allTextContents(), [first]);
    await page.keyboard.press('Alt+Shift+ArrowUp');
    await page.keyboard.press('Delete');
    // The last one gives way to a new beginning.
    await page.locator('[role=option]').first().waitFor();
});

test('a tab behind another says that something has come', async (t) => {
    const { url } = await serve(t);
    const page = await open(t, url);
    await choose(page, first);
    await run(page, 'mkfifo /tmp/go; read go </tmp/go; rm /tmp/go; echo there it is');
    await page.keyboard.press('Alt+Shift+N');
    await choose(page, first);
    await run(page, 'until [ -p /tmp/go ]; do :; done; echo now >/tmp/go');
    await page.locator('.tab.unseen').waitFor();
    await page.keyboard.press('Alt+Shift+ArrowLeft');
    await sees(page, /^there it is$/m);
    assert.equal(await page.locator('.tab.chosen.unseen').count(), 0);
});

test('the title that a program sets is the window\'s', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'printf "\\033]2;at work\\007"');
    await page.waitForFunction((name) => document.title === `at work – ${name} – Towline`, first);
    assert.equal(await page.locator('[role=tab]').textContent(), 'at work');
});

test('the exit code is told, and Enter starts again', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'kept=here; echo before; exit 42');
    await notice(page, 'The process has ended with exit code 42. Press Enter to start again.');
    await page.locator('#state', { hasText: 'Ended' }).waitFor();
    await page.keyboard.press('Enter');
    await prompt(page);
    await run(page, 'echo again:$kept:');
    await sees(page, /^again::$/m);
    // What the first one wrote can still be read.
    assert.match(await screen(page), /^before$/m);
});

test('a process that a signal ended says which', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    // The end of the row is not to look like a prompt.
    await run(page, 'kill -KILL $$; :');
    await notice(page, 'exit code 137 (signal 9)');
    assert.match(await screen(page), /:$/);
    await page.getByRole('button', { name: 'Start again' }).click();
    await prompt(page);
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
});

test('a selection is copied and pasted by Ctrl+Shift+C and V', async (t) => {
    const { url } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, 'clear; echo copied""word');
    await sees(page, /^copiedword$/m);
    const row = page.locator('.xterm-rows > div', { hasText: /^copiedword/ });
    const box = await row.boundingBox();
    await page.mouse.dblclick(box.x + 20, box.y + box.height / 2);
    await page.keyboard.press('Control+Shift+C');
    await page.waitForFunction(async () => await navigator.clipboard.readText() === 'copiedword');
    await type(page, 'echo pasted-');
    await page.keyboard.press('Control+Shift+V');
    await sees(page, /echo pasted-copiedword$/m);
    await page.keyboard.press('Enter');
    await sees(page, /^pasted-copiedword$/m);
});

test('an address in the output is a link', async (t) => {
    const { url, origin } = await serve(t, '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await run(page, `clear; echo se""e ${origin}/licenses.txt`);
    await sees(page, /^see http/m);
    const box = await page.locator('.xterm-rows > div', { hasText: /^see http/ }).boundingBox();
    const opened = page.context().waitForEvent('page');
    await page.mouse.move(box.x + 60, box.y + box.height / 2);
    await page.mouse.move(box.x + 64, box.y + box.height / 2);
    await page.locator('.xterm-cursor-pointer').waitFor();
    await page.mouse.click(box.x + 64, box.y + box.height / 2);
    const other = await opened;
    await other.waitForURL(`${origin}/licenses.txt`);
    assert.equal(await other.evaluate(() => window.opener), null);
});

test('without an access token the page asks for it', async (t) => {
    const { url, origin, token } = await serve(t);
    const page = await open(t, `${origin}/`);
    const field = page.getByLabel('Access token');
    await field.fill('wrong');
    const answer = page.waitForResponse(`${origin}/containers`);
    await page.keyboard.press('Enter');
    assert.equal((await answer).status(), 401);
    // It asks again. A new page does so once: nothing takes away what is entered next.
    await page.reload();
    await field.fill(token);
    await page.keyboard.press('Enter');
    await page.locator('[role=option]').first().waitFor();
    assert.ok(url.includes(token));
});

test('without tokens none is asked for', async (t) => {
    const { origin } = await serve(t, '--no-token', '--allow', first);
    await prompt(await open(t, `${origin}/`));
});

test('a server that only shows says so', async (t) => {
    const { url } = await serve(t, '--read-only', '--allow', first);
    const page = await open(t, url);
    await prompt(page);
    await page.locator('#badge').waitFor();
    await type(page, 'echo never\n');
    // What is typed nobody sees: a round by way of another page would show it.
    await page.reload();
    await prompt(page);
    assert.doesNotMatch(await screen(page), /never/);
});

test('the list says when the server cannot be reached', async (t) => {
    const server = await serve(t);
    const road = await way(t, server.port);
    const page = await open(t, server.url.replace(server.origin, `http://127.0.0.1:${road.port}`));
    await page.locator('[role=option]').first().waitFor();
    road.cut();
    await page.locator('.chooser .words', { hasText: 'The server cannot be reached.' }).waitFor();
    road.mend();
    await page.locator('.chooser .words.bad').waitFor({ state: 'detached' });
});
