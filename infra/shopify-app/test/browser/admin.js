// Stands in for the admin: its elements, as far as the extension uses them, and its API. It knows no element and no
// attribute that Shopify's types do not have here; whatever else is used is a complaint. How the real elements look is
// Shopify's matter: these have their roles, their texts and about their looks.

const GAPS = { base: '16px', small: '12px', 'small-300': '4px' };
const ROLES = { 'unordered-list': 'list', 'list-item': 'listitem' };

/** By element: its attributes, and what it shows. */
const ELEMENTS = {
  's-admin-action': [['heading'], (it) => it.add('h2', it.heading).draw().draw('secondary-actions')],
  's-admin-block': [['heading'], (it) => it.add('h2', it.heading).draw()],
  's-badge': [['tone'], (it) => it.draw()],
  's-banner': [
    ['heading', 'tone'],
    (it) => {
      it.setAttribute('role', it.tone === 'critical' ? 'alert' : 'status');
      it.add('h3', it.heading).draw();
    },
  ],
  's-box': [['accessibilityRole'], (it) => it.setAttribute('role', ROLES[it.accessibilityRole]) ?? it.draw()],
  's-button': [['slot'], (it) => it.draw('', 'button')],
  's-paragraph': [['color'], (it) => it.draw()],
  's-spinner': [
    ['accessibilityLabel'],
    (it) => {
      it.setAttribute('role', 'progressbar');
      it.setAttribute('aria-label', it.accessibilityLabel);
    },
  ],
  's-stack': [
    ['alignItems', 'direction', 'gap'],
    (it) => {
      it.style.gap = GAPS[it.gap] ?? complain(`s-stack has no gap ${it.gap}`);
      it.style.flexDirection = it.direction === 'inline' ? 'row' : 'column';
      it.style.alignItems = it.alignItems ?? '';
      it.draw();
    },
  ],
  's-text': [['type'], (it) => it.draw()],
};

const complain = (what) => console.error(what);

for (const [name, [attributes, show]] of Object.entries(ELEMENTS)) {
  const known = [...attributes, 'role', 'aria-label', 'style'].map((it) => it.toLowerCase());
  class Stand extends HTMLElement {
    #drawn = false;

    connectedCallback() {
      if (this.#drawn) return;
      this.#drawn = true;
      for (const { name: attribute } of this.attributes) {
        if (!known.includes(attribute)) complain(`${name} has no attribute ${attribute}`);
      }
      this.attachShadow({ mode: 'open', delegatesFocus: true });
      show(this);
    }

    add(tag, text) {
      const element = document.createElement(tag);
      element.textContent = text;
      this.shadowRoot.append(element);
      return this;
    }

    draw(slot = '', around = 'slot') {
      const element = document.createElement('slot');
      if (slot !== '') element.name = slot;
      if (around === 'slot') this.shadowRoot.append(element);
      else {
        const outer = document.createElement(around);
        outer.append(element);
        this.shadowRoot.append(outer);
      }
      return this;
    }
  }
  for (const attribute of attributes.filter((it) => it !== 'slot')) {
    Object.defineProperty(Stand.prototype, attribute, {
      get() {
        return this.getAttribute(attribute) ?? undefined;
      },
      set(value) {
        this.setAttribute(attribute, value);
      },
    });
  }
  customElements.define(name, Stand);
}

new MutationObserver(() => {
  for (const element of document.body.querySelectorAll('*')) {
    if (!(element.localName in ELEMENTS)) complain(`the admin has no element ${element.localName}`);
  }
}).observe(document.body, { childList: true, subtree: true });

const { target, texts, locale, answer } = await (await fetch(`scene.json${location.search}`)).json();
const find = (key) => key.split('.').reduce((it, part) => it?.[part], texts);
const targets = new Map();

globalThis.shopify = {
  extend: (name, run) => targets.set(name, run),
  close: () => document.body.replaceChildren(),
  data: { selected: [{ id: 'gid://shopify/Order/1' }] },
  i18n: {
    translate(key, options = {}) {
      let text = find(key);
      if (typeof text === 'object') text = text[new Intl.PluralRules(locale).select(options.count)];
      return text.replace(/\{\{(\w+)\}\}/g, (_, name) => options[name]);
    },
    formatDate: (date, options) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options }).format(date),
  },
  query: async () => {
    if (answer === undefined) throw new Error('no network');
    return answer;
  },
};
await import('./bundle.js');
await targets.get(target)();
