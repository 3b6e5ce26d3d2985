// A document for the tests, loaded before them.

import { Window } from 'happy-dom';

const window = new Window();
const names = ['document', 'Node', 'Element', 'HTMLElement', 'Event', 'customElements', 'MutationObserver'] as const;
Object.assign(globalThis, { window }, Object.fromEntries(names.map((name) => [name, window[name]])));
