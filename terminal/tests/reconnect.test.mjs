// The network goes away, or the server does.
import assert from 'node:assert/strict';
import { choose, notice, open, prompt, run, sees } from './support/browser.mjs';
import { containers, serve, way } from './support/server.mjs';
import { test } from './support/test.mjs';

const [first] = containers;

test('after the network was away, the page finds its session again by itself', async (t) => {
    const server = await serve(t, '--allow', first);
    const road = await way(t, server.port);
    const page = await open(t, server.url.replace(server.origin, `http://127.0.0.1:${road.port}`));
    await prompt(page);
    await run(page, 'kept=yes; echo before-$((1)); until [ -e /tmp/network ]; do :; done; rm /tmp/network; echo meanwhile-$((2))');
    await sees(page, /^before-1$/m);
    await road.cut();
    await notice(page, /Trying again in \d+ s/);
    await page.locator('#state', { hasText: 'Connection lost' }).waitFor();

    // What happens meanwhile is seen afterwards.
    const other = await open(t, server.url);
    await prompt(other);
    await run(other, 'touch /tmp/network; until [ ! -e /tmp/network ]; do :; done; echo went-$((3))');
    await sees(other, /^went-3$/m);
    await road.mend();
    await sees(page, /^meanwhile-2$/m, 30_000);
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    assert.equal(await page.locator('.panel.chosen .notice').isVisible(), false);
    await run(page, 'echo kept-$kept');
    await sees(page, /^kept-yes$/m);
});

test('the button tries at once', async (t) => {
    const server = await serve(t, '--allow', first);
    const road = await way(t, server.port);
    const page = await open(t, server.url.replace(server.origin, `http://127.0.0.1:${road.port}`));
    await prompt(page);
    await road.cut();
    // Long enough for the pauses to have grown.
    await notice(page, /Trying again in [3-9] s/);
    await road.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('#state', { hasText: 'Connected' }).waitFor({ timeout: 2000 });
});

test('a server that comes back has no session any more, and Enter starts a new one', async (t) => {
    const token = 'a-token-that-stays-the-same-0123456789';
    const server = await serve(t, '--allow', first, '--token', token);
    // Whoever gives a token knows it: it is not printed.
    const page = await open(t, `${server.url}?token=${token}`);
    await prompt(page);
    await run(page, 'kept=yes; echo before-$((1))');
    await sees(page, /^before-1$/m);
    assert.equal(await server.stop('SIGTERM'), 0);
    await notice(page, /Trying again in \d+ s/);
    await serve(t, '--allow', first, '--token', token, '--listen', `127.0.0.1:${server.port}`);
    await notice(page, 'Press Enter to start again');
    await page.locator('.panel.chosen .xterm-helper-textarea').focus();
    await page.keyboard.press('Enter');
    await page.locator('#state', { hasText: 'Connected' }).waitFor();
    await run(page, 'echo again:$kept:');
    await sees(page, /^again::$/m);
});

test('a server that comes back with another access token refuses, in words, and takes the new one', async (t) => {
    const server = await serve(t, '--allow', first);
    const page = await open(t, server.url);
    await prompt(page);
    await server.stop('SIGTERM');
    await notice(page, /Trying again in \d+ s/);
    const other = await serve(t, '--allow', first, '--listen', `127.0.0.1:${server.port}`);
    await page.locator('#state', { hasText: 'Failed' }).waitFor({ timeout: 30_000 });
    await notice(page, /access token is missing or wrong/);
    await page.getByRole('button', { name: 'Enter a token' }).click();
    await page.getByLabel('Access token').fill(other.token);
    await page.keyboard.press('Enter');
    await choose(page, first);
});
