// The HTTP side of the server. Addresses are relative: the page works under any path.
import { headers } from './access.js';

/** The server does not let this page in. */
export class Refused extends Error {}
/** There was no answer, or none that can be understood. */
export class Unreachable extends Error {}

/** Milliseconds after which a request counts as unanswered. */
const PATIENCE = 10_000;

/** @returns {Promise<string>} a token for one WebSocket */
export const token = async () => (await ask('token')).token;

/** @returns {Promise<{containers: {id: string, name: string, image: string, state: string}[], readOnly: boolean}>} */
export const containers = () => ask('containers');

/** @returns {Promise<string>} a link with which others may watch a session */
export async function share(session) {
    const answer = await ask('share', { session });
    const link = new URL('.', location.href);
    link.search = new URLSearchParams({ session: answer.session ?? session, share: answer.token });
    return link.href;
}

async function ask(path, body) {
    let answer;
    try {
        answer = await fetch(new URL(path, new URL('.', location.href)), {
            method: body ? 'POST' : 'GET',
            headers: { ...headers(), ...(body && { 'Content-Type': 'application/json' }) },
            body: body && JSON.stringify(body),
            cache: 'no-store',
            signal: AbortSignal.timeout(PATIENCE),
        });
    } catch {
        throw new Unreachable('The server cannot be reached.');
    }
    if (answer.status === 401 || answer.status === 403) {
        throw new Refused(await words(answer) || 'The server refuses access.');
    }
    if (!answer.ok) {
        throw new Unreachable(await words(answer) || `The server answered with status ${answer.status}.`);
    }
    try {
        return await answer.json();
    } catch {
        throw new Unreachable('The server\'s answer cannot be understood.');
    }
}

/** The server's own words about a failure, when it has any that a person can read. */
async function words(answer) {
    try {
        const type = answer.headers.get('Content-Type') ?? '';
        const text = await answer.text();
        if (type.includes('json')) {
            const fields = JSON.parse(text);
            return String(fields.message ?? fields.error ?? '');
        }
        return type.includes('text/plain') && text.length < 300 ? text.trim() : '';
    } catch {
        return '';
    }
}
