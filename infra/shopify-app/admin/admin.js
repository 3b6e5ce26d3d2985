// Stands in for the admin: its elements, as far as the extension uses them, and its API. It knows no element and no
// attribute that Shopify's types do not have here; whatever else is used is a complaint. How the real elements look is
// Shopify's matter: these have their roles, their texts and about their looks.

const GAPS = { base: '16px', small: '12px', 'small-300': '4px' };
const ROLES = { 'unordered-list': 'list', 'list-item': 'listitem' };

/** By element: its attributes, and what it shows. */
const ELEMENTS = {
  's-admin-action': [['heading'], (it) => it.add('h2', it.heading).draw().draw('secondary-actions')],
  's-admin-print-action': [
    ['src'],
    (it) => {
      it.draw();
    },
  ],
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
  's-button': [
    ['slot', 'variant', 'accessibilityLabel', 'loading'],
    (it) => {
      it.draw('', 'button');
      if (it.accessibilityLabel) it.inner('button').setAttribute('aria-label', it.accessibilityLabel);
    },
  ],
  's-checkbox': [['label', 'checked'], (it) => it.field('checkbox')],
  's-link': [
    ['href', 'target'],
    (it) => {
      it.draw('', 'a');
      // what opens a window tells it nothing
      Object.assign(it.inner('a'), { href: it.href, target: it.target ?? '', rel: 'noopener noreferrer' });
    },
  ],
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
  's-text-field': [['label', 'details', 'maxLength', 'required', 'value', 'error'], (it) => it.field('text')],
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

    inner(tag) {
      return this.shadowRoot.querySelector(tag);
    }

    /** A field with its label, which says what is typed or ticked as the real one does. */
    field(type) {
      const label = document.createElement('label');
      const input = Object.assign(document.createElement('input'), { type });
      if (type === 'checkbox') {
        input.checked = this.checked !== undefined;
        input.addEventListener('change', () => this.dispatchEvent(new Event('change', { bubbles: true })));
        label.append(input, ` ${this.label}`);
      } else {
        input.maxLength = Number(this.maxLength);
        input.required = this.required !== undefined;
        input.addEventListener('input', () => {
          this.value = input.value;
          this.dispatchEvent(new Event('input', { bubbles: true }));
        });
        label.append(this.label, document.createElement('br'), input);
      }
      this.shadowRoot.append(label);
      if (type === 'text') {
        this.add('small', this.details ?? '');
        this.add('strong', this.error ?? '');
      }
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
        if (value === undefined || value === null || value === false) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value === true ? '' : value);
        // a message that comes later
        const message = attribute === 'error' && this.shadowRoot?.querySelector('strong');
        if (message) message.textContent = value ?? '';
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

const { target, texts, locale, answer, selected, press = [] } = await (await fetch(`scene.json${location.search}`)).json();
const find = (key) => key.split('.').reduce((it, part) => it?.[part], texts);
const targets = new Map();

globalThis.shopify = {
  extend: (name, run) => targets.set(name, run),
  close: () => document.body.replaceChildren(),
  data: { selected: selected.map((id) => ({ id })) },
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

/** Presses a button once it is there, for pictures. */
async function pressed(key) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const labels = [...document.querySelectorAll('s-button')].filter((it) => it.textContent.trim() === find(key));
    if (labels.length > 0) return labels[0].click();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
for (const key of press) await pressed(key);
