import { dialog, make } from './dom.js';

/** Puts text on the clipboard; false when the browser does not let us. */
export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Without TLS there is no navigator.clipboard; the old way works by a selection.
        const field = make('textarea', { value: text, class: 'unseen-field' });
        const before = document.activeElement;
        (document.querySelector('dialog[open]') ?? document.body).append(field);
        field.select();
        const done = document.execCommand('copy');
        field.remove();
        before?.focus();
        return done;
    }
}

/** The clipboard's text, or what the user puts into a field where the browser does not let us read it. */
export async function paste(take) {
    try {
        take(await navigator.clipboard.readText());
    } catch {
        const field = make('textarea', { rows: 5, 'aria-label': 'Text to paste', placeholder: 'Paste here' });
        const box = dialog('Paste', field,
            make('div', { class: 'actions' }, make('button', { class: 'primary', value: 'take', textContent: 'Paste into the terminal' })));
        field.focus();
        box.addEventListener('close', () => box.returnValue === 'take' && field.value && take(field.value));
    }
}

/** Shows a terminal's text as plain text, to be selected by finger. */
export function showText(text) {
    const area = make('pre', { class: 'text', textContent: text, tabIndex: 0 });
    const button = make('button', { type: 'button', class: 'primary', textContent: 'Copy all' });
    button.onclick = async () => {
        button.textContent = await copy(text) ? 'Copied' : 'The browser does not allow it';
    };
    dialog('Text of the terminal', area, make('div', { class: 'actions' }, button));
    area.scrollTop = area.scrollHeight;
}
