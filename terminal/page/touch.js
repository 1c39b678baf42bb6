/** Pixels that a finger may stray before it scrolls. */
const SLACK = 8;

/**
 * Lets a finger scroll, which xterm.js does not know. Where a program wants the mouse, or has the screen for itself, the
 * finger turns the wheel.
 */
export function scrollByTouch(terminal) {
    let last = null;
    let scrolling = false;
    terminal.element.addEventListener('touchstart', (event) => {
        last = event.touches.length === 1 ? event.touches[0].clientY : null;
        scrolling = false;
    }, { passive: true });
    terminal.element.addEventListener('touchmove', (event) => {
        if (last === null || event.touches.length !== 1) {
            return;
        }
        const { clientX, clientY } = event.touches[0];
        scrolling ||= Math.abs(last - clientY) > SLACK;
        if (!scrolling) {
            return;
        }
        event.preventDefault();
        const row = terminal.element.querySelector('.xterm-screen').clientHeight / terminal.rows;
        const lines = Math.trunc((last - clientY) / row);
        if (lines === 0) {
            return;
        }
        last -= lines * row;
        if (terminal.buffer.active.type === 'normal' && terminal.modes.mouseTrackingMode === 'none') {
            terminal.scrollLines(lines);
        } else {
            event.target.dispatchEvent(new WheelEvent('wheel', {
                deltaY: lines, deltaMode: WheelEvent.DOM_DELTA_LINE, clientX, clientY, bubbles: true, cancelable: true,
            }));
        }
    }, { passive: false });
}
