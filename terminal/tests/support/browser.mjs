// Chromium, and what a person does with the page in it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

const PATIENCE = 15_000;
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const pictures = fileURLToPath(new URL('../../../build/screenshots/', import.meta.url));

let browser;

async function launch() {
    assert(existsSync(executablePath), `${executablePath} is missing (Debian: apt-get install chromium)`);
    return chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
            '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
}

after(async () => (await browser)?.close());

/**
 * Opens an address in a browser window of its own, or in another tab of `beside`'s. What the page's scripts throw fails the
 * test, and so does a page that asks another server for anything than the one it comes from.
 */
export async function open(t, url, { beside, ...options } = {}) {
    browser ??= launch();
    const context = beside?.context() ?? await (await browser).newContext({
        viewport: { width: 1000, height: 620 }, permissions: ['clipboard-read', 'clipboard-write'], ...options,
    });
    beside || t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.stack));
    page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && errors.push(message.text()));
    t.after(() => assert.deepEqual(errors, [], 'the page reported errors'));
    const [own, asked] = [new Set(), new Set()];
    page.on('request', (request) => (request.isNavigationRequest() ? own : asked).add(new URL(request.url()).host));
    page.on('websocket', (socket) => asked.add(new URL(socket.url()).host));
    t.after(() => assert.deepEqual([...asked].filter((host) => !own.has(host)), [], 'the page asked others'));
    await page.goto(url);
    return page;
}

/** Opens a container from the list, in the tab on show. */
export async function choose(page, name) {
    await page.locator('.panel.chosen [role=option]', { hasText: name }).first().click();
    await prompt(page);
}

/** What stands on the screen of the tab on show. */
export const screen = (page) => page.evaluate(() =>
    [...document.querySelectorAll('.panel.chosen .xterm-rows > div')].map((row) => row.textContent.trimEnd()).join('\n').trimEnd());

/** Waits until the screen shows a text, or matches a pattern. */
export async function sees(page, wanted, timeout = PATIENCE) {
    const pattern = wanted instanceof RegExp ? wanted : new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    try {
        await page.waitForFunction(([source, flags]) => new RegExp(source, flags).test(
            [...document.querySelectorAll('.panel.chosen .xterm-rows > div')].map((row) => row.textContent.trimEnd()).join('\n').trimEnd()),
        [pattern.source, pattern.flags], { timeout });
    } catch (error) {
        throw new Error(`the screen does not show ${pattern} but:\n${await screen(page)}`, { cause: error });
    }
}

/** Waits for a shell that waits. */
export const prompt = (page) => sees(page, /\$ ?$|# ?$/);

/** Types into the terminal on show. */
export async function type(page, text) {
    await page.locator('.panel.chosen .xterm-helper-textarea').focus();
    await page.keyboard.type(text);
}

/** Types a command. */
export const run = (page, command) => type(page, `${command}\n`);

/** Waits for the words over the terminal on show. */
export const notice = (page, pattern) => page.locator('.panel.chosen .notice', { hasText: pattern }).waitFor();

/** Keeps a picture in build/screenshots/. */
export async function picture(page, name) {
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}${name}.png`, animations: 'disabled' });
}
