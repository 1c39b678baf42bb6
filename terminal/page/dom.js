/**
 * Makes an element. Properties that start with `on` are listeners, `class` and names with a dash are attributes,
 * the others are properties of the element.
 */
export function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
        if (key.startsWith('on')) {
            element.addEventListener(key.slice(2), value);
        } else if (key === 'class' || key === 'role' || key.includes('-')) {
            element.setAttribute(key, value);
        } else {
            element[key] = value;
        }
    }
    element.append(...children);
    return element;
}

/** The element of the page with this id. */
export const find = (id) => document.getElementById(id);

/** A dialog with a title and a way out; it removes itself when it is closed. */
export function dialog(title, ...children) {
    const element = make('dialog', { 'aria-label': title, tabIndex: -1 },
        make('form', { method: 'dialog' },
            make('div', { class: 'title' },
                make('h2', { textContent: title }),
                make('button', { class: 'tool', 'aria-label': 'Close', textContent: '✕', value: 'close' })),
            ...children));
    element.addEventListener('close', () => element.remove());
    // A click beside it closes it, as one expects.
    element.addEventListener('mousedown', (event) => event.target === element && element.close());
    document.body.append(element);
    element.showModal();
    // Else the first button would have the keyboard, which is the way out.
    element.focus();
    return element;
}
