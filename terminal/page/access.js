// What the page was opened with: an access token, which leaves the address bar at once, or a share link.
const KEY = 'towline.access';

const query = new URLSearchParams(location.search);

/** `{session, token}` when the page was opened by a share link, else null. */
export const shared = query.get('session') && query.get('share')
    ? { session: query.get('session'), token: query.get('share') }
    : null;

let token = stored();

if (query.has('token')) {
    remember(query.get('token'));
    query.delete('token');
    const rest = query.toString();
    history.replaceState(null, '', location.pathname + (rest && `?${rest}`) + location.hash);
}

function stored() {
    try {
        return sessionStorage.getItem(KEY) ?? '';
    } catch {
        return '';
    }
}

/** Keeps an access token for as long as this browser tab lives. */
export function remember(value) {
    token = value;
    try {
        sessionStorage.setItem(KEY, value);
    } catch {
        // Without storage it lasts until the page is left.
    }
}

/** The headers that go with each request. */
export const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});
