// The tabs of this browser tab, which a reload finds again; another browser tab has its own.
const KEY = 'towline.tabs';

/** @returns {{open: {container: ?string, session: ?string, title: string}[], at: number}} */
export function load() {
    try {
        const { open, at } = JSON.parse(sessionStorage.getItem(KEY));
        const text = (value) => (typeof value === 'string' ? value : null);
        return {
            open: open.map((entry) => ({
                container: text(entry.container), session: text(entry.session), title: text(entry.title) ?? '',
            })),
            at,
        };
    } catch {
        // Nothing kept, or nothing that can be read: a new beginning.
        return { open: [], at: 0 };
    }
}

export function save(open, at) {
    try {
        sessionStorage.setItem(KEY, JSON.stringify({ open, at }));
    } catch {
        // Without storage a reload begins anew.
    }
}
