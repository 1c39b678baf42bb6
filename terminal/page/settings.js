import { dialog, make } from './dom.js';
import * as themes from './themes.js';

const KEY = 'towline.settings';
const SIZES = { least: 8, most: 32, usual: 14 };
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

const between = (size) => Math.min(SIZES.most, Math.max(SIZES.least, Number(size) || SIZES.usual));

let values = read();

function read() {
    let stored = {};
    try {
        stored = Object(JSON.parse(localStorage.getItem(KEY)));
    } catch {
        // Nothing stored, or no storage: the defaults it is.
    }
    return {
        fontSize: between(stored.fontSize),
        theme: ['light', 'dark'].includes(stored.theme) ? stored.theme : 'system',
        screenReader: stored.screenReader === true,
    };
}

/** The settings: `{fontSize, theme: 'system'|'light'|'dark', screenReader}`. */
export const get = () => values;

/** Is it dark, by choice or by the system's word? */
export const isDark = () => (values.theme === 'system' ? system.matches : values.theme === 'dark');

/** The terminal's colours. */
export const colours = () => (isDark() ? themes.dark : themes.light);

/** Calls back at every change, until the function it returns is called. */
export function follow(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

/** Changes some settings and keeps them for this browser. */
export function change(some) {
    values = { ...values, ...some };
    values.fontSize = between(values.fontSize);
    try {
        localStorage.setItem(KEY, JSON.stringify(values));
    } catch {
        // They hold until the page is left.
    }
    tell();
}

/** To the light that is not shown now; back to the system's where that is the same. */
export const flip = () => change({ theme: isDark() === system.matches ? (isDark() ? 'light' : 'dark') : 'system' });

function tell() {
    const root = document.documentElement;
    root.dataset.theme = isDark() ? 'dark' : 'light';
    listeners.forEach((listener) => listener(values));
}

system.addEventListener('change', tell);
addEventListener('storage', (event) => {
    if (event.key === KEY) {
        values = read();
        tell();
    }
});
tell();

const SHORTCUTS = [
    ['Copy, paste', 'Ctrl+Shift+C, Ctrl+Shift+V'],
    ['New terminal', 'Alt+Shift+N'],
    ['Close this one', 'Alt+Shift+W'],
    ['Next, previous', 'Alt+Shift+→, Alt+Shift+←'],
    ['To the tabs and back', 'Alt+Shift+↑, Esc'],
    ['Scroll', 'Shift+Page Up, Shift+Page Down'],
];

/** Shows the settings. */
export function open() {
    const size = make('output', { textContent: values.fontSize });
    const step = (by) => () => {
        change({ fontSize: values.fontSize + by });
        size.textContent = values.fontSize;
    };
    const themeChoice = (value, words) => make('label', {},
        make('input', { type: 'radio', name: 'theme', value, checked: values.theme === value, onchange: () => change({ theme: value }) }),
        make('span', { textContent: words }));
    dialog('Settings',
        make('div', { class: 'row' },
            make('span', { textContent: 'Font size' }),
            make('span', { class: 'stepper' },
                make('button', { type: 'button', 'aria-label': 'Smaller', textContent: '−', onclick: step(-1) }), size,
                make('button', { type: 'button', 'aria-label': 'Larger', textContent: '+', onclick: step(1) }))),
        make('div', { class: 'row' },
            make('span', { textContent: 'Colours' }),
            make('span', { class: 'choice', role: 'radiogroup', 'aria-label': 'Colours' },
                themeChoice('system', 'System'), themeChoice('light', 'Light'), themeChoice('dark', 'Dark'))),
        make('label', { class: 'row' },
            make('span', { textContent: 'Support screen readers' }),
            make('input', { type: 'checkbox', checked: values.screenReader, onchange: (event) => change({ screenReader: event.target.checked }) })),
        make('h3', { textContent: 'Keyboard' }),
        make('dl', {}, ...SHORTCUTS.flatMap(([what, keys]) => [
            make('dt', { textContent: what }),
            make('dd', {}, ...keys.split(', ').flatMap((key, at) => [at ? ' ' : '', make('kbd', { textContent: key })])),
        ])),
        make('p', { class: 'small' }, 'The terminal is ',
            make('a', { href: 'licenses.txt', target: '_blank', textContent: 'xterm.js' }), '.'));
}
