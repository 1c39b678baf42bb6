// Others watch: a link that shows a session and takes nothing from them.
import assert from 'node:assert/strict';
import { notice, open, prompt, run, screen, sees } from './support/browser.mjs';
import { containers, serve } from './support/server.mjs';
import { test } from './support/test.mjs';

async function shared(t) {
    const server = await serve(t, '--allow', containers[0]);
    const writer = await open(t, server.url);
    await prompt(writer);
    await run(writer, 'echo seen-$((7))');
    await sees(writer, /^seen-7$/m);
    await writer.locator('#share').click();
    const link = await writer.getByLabel('Link').inputValue();
    return { server, writer, link };
}

/** Waits until two pages show terminals of the same size, another than before: a window may change in steps. */
async function agreed(writer, other, before) {
    const size = (page) => page.locator('#size').textContent();
    for (;;) {
        const [one, two] = await Promise.all([size(writer), size(other)]);
        if (one === two && one !== before) {
            return one;
        }
        await other.evaluate(() => new Promise(requestAnimationFrame));
    }
}

test('the link shows the session to another browser, which cannot type', async (t) => {
    const { server, writer, link } = await shared(t);
    assert.match(link, new RegExp(`^${server.origin}/\\?session=[^&]+&share=[^&]+$`));
    assert.ok(!link.includes(server.token), 'the access token is not given away');
    await writer.getByRole('button', { name: 'Copy link' }).click();
    await writer.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await writer.evaluate(() => navigator.clipboard.readText()), link);
    await writer.keyboard.press('Escape');

    const viewer = await open(t, link);
    await sees(viewer, /^seen-7$/m);
    await viewer.locator('#badge', { hasText: 'Read-only' }).waitFor();
    assert.equal(await viewer.locator('#share, #new').filter({ visible: true }).count(), 0);
    await viewer.locator('.xterm-helper-textarea').focus();
    await viewer.keyboard.type('echo intruder\n');
    await run(writer, 'echo later-$((8))');
    await sees(viewer, /^later-8$/m);
    assert.doesNotMatch(await screen(writer), /intruder/);

    // A watcher who comes back is let in again, and sees how it ends.
    await viewer.reload();
    await sees(viewer, /^later-8$/m);
    await run(writer, 'exit 5');
    await notice(viewer, /^The process has ended with exit code 5\.$/);
    assert.equal(await viewer.locator('.notice button').count(), 0);
});

test('a watcher\'s terminal has the writer\'s size, whatever the window', async (t) => {
    const { writer, link } = await shared(t);
    await writer.keyboard.press('Escape');
    const viewer = await open(t, link, { viewport: { width: 420, height: 300 } });
    await sees(viewer, /^seen-7$/m);
    const before = await agreed(writer, viewer);
    await writer.setViewportSize({ width: 640, height: 400 });
    await agreed(writer, viewer, before);
    // All of it can be seen: the letters are smaller.
    await viewer.waitForFunction(() => {
        const inner = document.querySelector('.xterm-screen').getBoundingClientRect();
        const outer = document.querySelector('.panel').getBoundingClientRect();
        return inner.right <= outer.right && inner.bottom <= outer.bottom;
    });
});

test('two who type share one terminal, in the size of who resized last', async (t) => {
    const { server, writer } = await shared(t);
    await writer.keyboard.press('Escape');
    const tabs = await writer.evaluate(() => sessionStorage.getItem('towline.tabs'));
    const second = await open(t, server.url, { viewport: { width: 700, height: 400 } });
    // A page writes its tabs down whenever something changes: from here on this one, which is left, must not.
    await second.evaluate((kept) => {
        sessionStorage.setItem('towline.tabs', kept);
        Storage.prototype.setItem = () => {};
    }, tabs);
    await second.reload();
    await sees(second, /^seen-7$/m);
    const before = await agreed(writer, second);
    await run(second, 'echo both-$((2))');
    await sees(writer, /^both-2$/m);
    await writer.setViewportSize({ width: 900, height: 500 });
    await agreed(writer, second, before);
    await run(writer, 'echo once more-$((3))');
    await sees(second, /^once more-3$/m);
});

test('a link with a made-up token is refused in words', async (t) => {
    const { link } = await shared(t);
    const made = new URL(link);
    made.searchParams.set('share', 'A'.repeat(made.searchParams.get('share').length));
    const viewer = await open(t, made.href);
    await viewer.locator('#state', { hasText: 'Failed' }).waitFor();
    assert.ok((await viewer.locator('.notice').textContent()).length > 10);
    assert.equal(await screen(viewer), '');
});

test('a link is for its session alone', async (t) => {
    const { server, writer, link } = await shared(t);
    const other = await open(t, server.url);
    await prompt(other);
    await run(other, 'echo secret-$((9))');
    await sees(other, /^secret-9$/m);
    const id = await other.evaluate(() => JSON.parse(sessionStorage.getItem('towline.tabs')).open[0].session);
    const turned = new URL(link);
    turned.searchParams.set('session', id);
    await writer.keyboard.press('Escape');
    // It leads where it was made, whatever it says.
    const viewer = await open(t, turned.href);
    await sees(viewer, /^seen-7$/m);
    await run(writer, 'echo end-$((0))');
    await sees(viewer, /^end-0$/m);
    assert.doesNotMatch(await screen(viewer), /secret/);
});
