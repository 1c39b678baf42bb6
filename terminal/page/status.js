import { shared } from './access.js';
import { find } from './dom.js';

const WORDS = { connecting: 'Connecting', open: 'Connected', waiting: 'Connection lost', ended: 'Ended', failed: 'Failed' };

/** Says how the tab on show is: in the line at the bottom, in the window's title. */
export function show({ session, container, title }) {
    const state = session?.state ?? '';
    const element = find('state');
    element.dataset.state = state;
    // Only what is new is told to those who listen.
    if (element.textContent !== (WORDS[state] ?? '')) {
        element.textContent = WORDS[state] ?? '';
    }
    find('where').textContent = container ?? '';
    find('badge').hidden = !session?.readOnly;
    find('size').textContent = session ? `${session.screen.size.columns} × ${session.screen.size.rows}` : '';
    find('share').hidden = shared !== null || !session?.id;
    const name = container ?? (shared ? 'Shared terminal' : null);
    document.title = [title, name === title ? null : name, session ? null : 'Terminal', 'Towline'].filter(Boolean).join(' – ');
}
