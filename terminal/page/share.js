import { copy } from './clipboard.js';
import { dialog, make } from './dom.js';
import * as server from './server.js';

/** Asks for a link to watch a session with, and shows it. */
export async function share(session) {
    const words = make('p', { textContent: 'Making a link…', role: 'status' });
    const content = make('div', { class: 'share' }, words);
    dialog('Share this terminal', content);
    let link;
    try {
        link = await server.share(session);
    } catch (error) {
        words.textContent = error.message;
        words.classList.add('bad');
        return;
    }
    const field = make('input', { readOnly: true, value: link, 'aria-label': 'Link', onfocus: () => field.select() });
    const button = make('button', { type: 'button', class: 'primary', textContent: 'Copy link' });
    button.onclick = async () => {
        button.textContent = await copy(link) ? 'Copied' : 'Copy it by hand';
        field.select();
    };
    words.textContent = 'Whoever has this link can watch this terminal as it goes on, but cannot type into it.';
    content.append(make('div', { class: 'link' }, field, button));
    field.focus();
}
