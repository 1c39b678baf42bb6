// The page below a path of somebody's site, behind a real nginx with terminal/nginx.conf.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { notice, open, prompt, run, sees } from './support/browser.mjs';
import { containers, folder, serve, way } from './support/server.mjs';
import { test } from './support/test.mjs';

const program = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(existsSync);

/** Starts nginx on a unix socket, before another one. */
async function nginx(t, place, front, back) {
    assert(program, 'nginx is missing (Debian: apt-get install nginx-light)');
    const config = (await readFile(new URL('../nginx.conf', import.meta.url), 'utf8'))
        .replace('listen 80;', `listen unix:${front};`).replaceAll('/run/towline/terminal.sock', back);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${place}/${what};`);
    await writeFile(`${place}/nginx.conf`, `daemon off; master_process off; pid ${place}/pid; events {}
        http { access_log off; ${places.join(' ')}\n${config}\n}`);
    const child = spawn(program, ['-p', place, '-e', `${place}/log`, '-c', `${place}/nginx.conf`], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    t.after(async () => {
        child.kill('SIGKILL');
        await ended;
    });
    for (;;) {
        const socket = net.connect(front);
        const there = await new Promise((resolve) => {
            socket.on('connect', () => resolve(true));
            socket.on('error', () => resolve(false));
        });
        socket.destroy();
        if (there) {
            return;
        }
        assert.equal(child.exitCode, null, `nginx did not start: ${await readFile(`${place}/log`, 'utf8').catch(() => '')}`);
    }
}

test('behind nginx, below a path: typed, reloaded, shared', async (t) => {
    const place = await folder(t);
    // nginx's own user wants to get through.
    await chmod(place, 0o755);
    const { token } = await serve(t, '--listen', `unix:${place}/terminal.sock`, '--allow', containers[0]);
    await nginx(t, place, `${place}/front.sock`, `${place}/terminal.sock`);
    const road = await way(t, `${place}/front.sock`);
    const site = `http://127.0.0.1:${road.port}/wsapp`;

    const page = await open(t, `${site}?token=${token}`);
    await prompt(page);
    assert.equal(page.url(), `${site}/`);
    await run(page, 'kept=yes; echo sum-$((40 + 2))');
    await sees(page, /^sum-42$/m);
    await page.reload();
    await sees(page, /^sum-42$/m);
    await run(page, 'clear; echo kept-$kept');
    await sees(page, /^kept-yes$/m);
    await page.locator('#share').click();
    const link = await page.getByLabel('Link').inputValue();
    assert.ok(link.startsWith(`${site}/?session=`), link);
    await page.keyboard.press('Escape');
    const viewer = await open(t, link);
    await sees(viewer, /^kept-yes$/m);
    await run(page, 'exit 4');
    await notice(viewer, 'exit code 4');
});
