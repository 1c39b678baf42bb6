import { test as plain } from 'node:test';

/** A test that ends after a while in any case; milliseconds. */
export const test = (name, ...rest) => {
    const body = rest.pop();
    plain(name, { timeout: 90_000, ...rest[0] }, body);
};
