// The sixteen colours and the ground of the terminal, in both lights. The page around it has its own in style.css.
export const dark = {
    background: '#15181c', foreground: '#d7dbe0', cursor: '#6fc3bf', cursorAccent: '#15181c',
    selectionBackground: '#33505a', selectionInactiveBackground: '#2b3940',
    black: '#2a2f36', red: '#e8787c', green: '#8fc379', yellow: '#dfb866', blue: '#74a9e8', magenta: '#c58be0',
    cyan: '#63bfc0', white: '#c6ccd3', brightBlack: '#737d89', brightRed: '#f4959a', brightGreen: '#a9d894',
    brightYellow: '#f0cd84', brightBlue: '#96c1f5', brightMagenta: '#d8a9ef', brightCyan: '#86d5d5', brightWhite: '#f2f4f6',
};

export const light = {
    background: '#ffffff', foreground: '#23282e', cursor: '#1f6f78', cursorAccent: '#ffffff',
    selectionBackground: '#bfdde0', selectionInactiveBackground: '#dfe8ea',
    black: '#23282e', red: '#b3313b', green: '#377a2b', yellow: '#8a6100', blue: '#2360b5', magenta: '#8a3aa6',
    cyan: '#136f76', white: '#6b737c', brightBlack: '#5c656f', brightRed: '#c9404b', brightGreen: '#438c36',
    brightYellow: '#9a6e0a', brightBlue: '#2f70ca', brightMagenta: '#9c4bb8', brightCyan: '#1c7f86', brightWhite: '#23282e',
};
