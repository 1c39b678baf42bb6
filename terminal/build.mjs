// Bundles page/ with what it uses from node_modules into public/, which then holds everything that a browser asks for.
import { build } from 'esbuild';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';

const here = new URL('.', import.meta.url).pathname;
const { dependencies } = JSON.parse(await readFile(`${here}package.json`, 'utf8'));

await rm(`${here}public`, { recursive: true, force: true });
await mkdir(`${here}public`);
await build({
    entryPoints: { app: `${here}page/main.js`, worker: `${here}page/worker.js`, style: `${here}page/style.css` },
    outdir: `${here}public`,
    bundle: true,
    minify: true,
    format: 'esm',
    // Nothing older: lowering `||=` breaks xterm.js (evanw/esbuild#4508), and vim with it.
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
});
for (const file of ['index.html', 'icon.svg']) {
    await cp(`${here}page/${file}`, `${here}public/${file}`);
}
const licenses = await Promise.all(Object.keys(dependencies).sort().map(async (name) =>
    `${name}\n\n${await readFile(`${here}node_modules/${name}/LICENSE`, 'utf8')}`));
await writeFile(`${here}public/licenses.txt`, licenses.join('\n----\n\n'));
