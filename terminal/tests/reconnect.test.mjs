// The network goes away, or the server does.
import assert from 'node:assert/strict';
import { choose, notice, open, prompt, run, sees } from './support/browser.mjs';
import { containers, folder, serve, way } from './support/server.mjs';
import { test } from './support/test.mjs';

const [first] = containers;

test('after the network was away, the page finds its session again by itself', async (t) => {
    const server = await serve(t, '--allow', first);
    const road = await way(t, server.port);
    const page = await open(t, server.url.replace(server.origin, `http://127.0.0.1:${road.port}`));
    await prompt(page);
    await run(page, 'kept=yes; echo before-$((1)); until [ -e /tmp/network ]; do :; done; rm /tmp/network; echo meanwhile-$((2))');
    await sees(page, /^before-1$/m);
    road.cut();
    await notice(page, /Trying again in \d+ s/);
    await page.locator('#state', { hasText: 'Connection lost' }).waitFor();

    // What happens meanwhile is seen afterwards.
    const other = await open(t, server.url);
    await prompt(other);
    await run(other, 'touch /tmp/network; until [ ! -e /tmp/network ]; do :; done; echo went-$((3))');
    await sees(other, /^went-3$/m);
    road.mend();
    await sees(page, /^meanwhile-2$/m, 30_000);
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    assert.equal(await page.locator('.panel.chosen .notice').isVisible(), false);
    await run(page, 'echo kept-$kept');
    await sees(page, /^kept-yes$/m);
});

test('the button tries at once', async (t) => {
    const server = await serve(t, '--allow', first);
    const road = await way(t, server.port);
    const page = await open(t, 'about:blank');
    await page.clock.install();
    await page.goto(server.url.replace(server.origin, `http://127.0.0.1:${road.port}`));
    await prompt(page);
    await run(page, 'kept=yes; echo before-$((1))');
    await sees(page, /^before-1$/m);
    road.cut();
    await notice(page, /Trying again in \d+ s/);
    // From here on the page's time stands still: what it would do by itself later it never does.
    await page.clock.pauseAt(await page.evaluate(() => Date.now()) + 60_000);
    await notice(page, /Trying again in \d+ s/);
    road.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    await page.clock.resume();
    await run(page, 'echo kept-$kept');
    await sees(page, /^kept-yes$/m);
});

/** A server on a unix socket, where another can take its place, and an address for browsers that stays the same. */
async function replaceable(t, ...options) {
    const socket = `${await folder(t)}/terminal.sock`;
    const start = (...others) => serve(t, '--allow', first, '--listen', `unix:${socket}`, ...others);
    const server = await start(...options);
    const road = await way(t, socket);
    return { server, start, address: `http://127.0.0.1:${road.port}/` };
}

test('a server that comes back has no session any more, and Enter starts a new one', async (t) => {
    const token = 'a-token-that-stays-the-same-0123456789';
    const { server, start, address } = await replaceable(t, '--token', token);
    // Whoever gives a token knows it: it is not printed.
    assert.equal(server.token, null);
    const page = await open(t, `${address}?token=${token}`);
    await prompt(page);
    await run(page, 'kept=yes; echo before-$((1))');
    await sees(page, /^before-1$/m);
    assert.equal(await server.stop('SIGTERM'), 0);
    await notice(page, /Trying again in \d+ s/);
    await start('--token', token);
    await notice(page, 'Press Enter to start again');
    await page.locator('.panel.chosen .xterm-helper-textarea').focus();
    await page.keyboard.press('Enter');
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    await run(page, 'echo again:$kept:');
    await sees(page, /^again::$/m);
});

test('a server that comes back with another access token refuses, in words, and takes the new one', async (t) => {
    const { server, start, address } = await replaceable(t);
    const page = await open(t, `${address}?token=${server.token}`);
    await prompt(page);
    await server.stop('SIGTERM');
    await notice(page, /Trying again in \d+ s/);
    const other = await start();
    await page.locator('#state', { hasText: 'Failed' }).waitFor({ timeout: 30_000 });
    await notice(page, /access token is missing or wrong/);
    await page.getByRole('button', { name: 'Enter a token' }).click();
    await page.getByLabel('Access token').fill(other.token);
    await page.keyboard.press('Enter');
    await choose(page, first);
});
