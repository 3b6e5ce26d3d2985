// What a customer sees on the page of an order: their own documents after a full log-in, and nothing of them before.

import { getExtension } from '@shopify/ui-extensions-tester';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { render as draw } from 'preact';
import { consoleAt } from '../extensions/account/src/own.ts';
import { ACCOUNT, bundle, targeting } from '../lib/bundle.ts';
import { misfits } from './console.ts';
import { type Language, LANGUAGES, locale, words } from './support.ts';

const TARGET = 'customer-account.order-status.block.render';
const ORDER = 'gid://shopify/Order/1';

/** A signal that can change. */
function signal<T>(value: T) {
  const followers = new Set<(value: T) => void>();
  return {
    value,
    subscribe(follow: (value: T) => void) {
      followers.add(follow);
      return () => followers.delete(follow);
    },
    set(next: T) {
      this.value = next;
      followers.forEach((follow) => follow(next));
    },
  };
}

const own = {
  title: 'Receipt',
  locale: 'en',
  issued_at: '2027-01-15T08:02:00Z',
  url: 'https://documents.example/d/abc',
  valid_until: '2027-04-15T08:02:00Z',
};

describe('the page of an order in the customer account', () => {
  const extension = getExtension(TARGET, { configSearchDir: ACCOUNT });
  const native = globalThis.fetch;
  let asked: [string, string | null][] = [];
  let answer: () => Response;
  let loggedIn = 0;

  beforeEach(() => {
    asked = [];
    loggedIn = 0;
    answer = () => new Response(JSON.stringify({ documents: [own] }));
    extension.setUp();
    globalThis.fetch = (async (address: string, init: RequestInit) => {
      asked.push([address, new Headers(init.headers).get('Authorization')]);
      return answer();
    }) as typeof fetch;
  });
  afterEach(() => {
    draw(null, document.body);
    extension.tearDown();
    globalThis.fetch = native;
  });

  async function render(more: Record<string, unknown> = {}) {
    const given = {
      authenticationState: signal('fully_authenticated'),
      authenticatedAccount: {
        customer: signal({ id: 'gid://shopify/Customer/7' }),
        purchasingCompany: signal(undefined),
      },
      order: signal({ id: ORDER, name: '#1001' }),
      settings: signal({ console_url: 'https://console.example/' }),
      sessionToken: { get: async () => 'the-token' },
      requireLogin: async () => void (loggedIn += 1),
      ...more,
    };
    Object.assign(extension.shopify, given);
    const formatDate = (date: Date) => date.toISOString().slice(0, 10);
    Object.assign(extension.shopify.i18n, { ...words('en', ACCOUNT), formatDate });
    await extension.render();
  }
  /** Waits until nothing has changed for a while. */
  const settled = async () => {
    for (let last = '', same = 0; same < 10; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = document.body.innerHTML + asked.length;
      same = now === last && !now.includes('s-spinner') ? same + 1 : 0;
      last = now;
    }
  };
  const shown = () => document.body.textContent ?? '';
  const links = () => Array.from(document.querySelectorAll('s-link')).map((it) => it.getAttribute('href'));

  test('lists what the customer was sent, asked with their session token', async () => {
    assert.deepEqual(misfits('own documents', { documents: [own] }), []);
    await render();
    await settled();
    assert.deepEqual(asked, [
      ['https://console.example/api/v1/account/documents?order=gid%3A%2F%2Fshopify%2FOrder%2F1', 'Bearer the-token'],
    ]);
    assert.match(shown(), /Receipt, 2027-01-15/);
    assert.deepEqual(links(), [own.url]);
  });

  test('shows and asks nothing before a full log-in, and offers one', async () => {
    const state = signal('pre_authenticated');
    const account = { customer: signal({ id: 'gid://shopify/Customer/7' }), purchasingCompany: signal(undefined) };
    await render({ authenticationState: state, authenticatedAccount: account });
    await settled();
    assert.match(shown(), /Log in to see the documents/);
    assert.deepEqual([asked, links()], [[], []]);
    document.querySelector('s-button')?.dispatchEvent(new Event('click', { bubbles: true }));
    assert.equal(loggedIn, 1);
    state.set('fully_authenticated');
    await settled();
    assert.deepEqual(links(), [own.url]);
    // and hides them again
    state.set('pre_authenticated');
    await settled();
    assert.deepEqual([links(), asked.length], [[], 1]);
  });

  test('asks nothing for nobody', async () => {
    await render({ authenticatedAccount: { customer: signal(undefined), purchasingCompany: signal(undefined) } });
    await settled();
    assert.deepEqual([asked, links()], [[], []]);
  });

  test('shows nothing until it is set up, and where there is nothing', async () => {
    await render({ settings: signal({ console_url: undefined }) });
    await settled();
    assert.deepEqual([shown(), asked], ['', []]);
    draw(null, document.body);
    answer = () => new Response('{"documents":[]}');
    await render();
    await settled();
    assert.equal(shown(), '');
  });

  test('says that it failed, and asks again on request', async () => {
    const failures = [
      () => new Response('{"error":{"code":"unavailable","message":"x"}}', { status: 503 }),
      () => new Response('<html>', { status: 200 }),
      () => new Response('{}'),
      () => {
        throw new TypeError('Failed to fetch');
      },
    ];
    for (const failure of failures) {
      answer = failure;
      await render();
      await settled();
      assert.match(shown(), /could not be loaded/);
      answer = () => new Response(JSON.stringify({ documents: [own] }));
      document.querySelector('s-button')?.dispatchEvent(new Event('click', { bubbles: true }));
      await settled();
      assert.deepEqual(links(), [own.url]);
      draw(null, document.body);
    }
  });

  test('makes no link of anything else than a web address, and no markup of text', async () => {
    const title = '<img src=x onerror=alert(1)>';
    const documents = [
      { ...own, url: 'javascript:alert(1)' },
      { ...own, url: 'http://documents.example/d/abc' },
      { ...own, url: 7 },
      { ...own, title },
    ];
    answer = () => new Response(JSON.stringify({ documents }));
    await render();
    await settled();
    assert.deepEqual(links(), [own.url]);
    assert.ok(shown().includes(title));
    assert.equal(document.querySelector('img'), null);
  });

  test('is sent nowhere but to an HTTPS address', () => {
    assert.equal(consoleAt(' https://console.example/ '), 'https://console.example');
    for (const bad of ['', 'http://console.example', 'https://a.example/x?y', 'https://u:p@a.example', 7, undefined]) {
      assert.equal(consoleAt(bad), undefined, String(bad));
    }
  });

  test('has the same texts in every language, and a script small enough for Shopify', async () => {
    assert.deepEqual(
      targeting(ACCOUNT).map(({ target }) => target),
      [TARGET],
    );
    const keys = (language: Language) => Object.keys(locale(language, ACCOUNT));
    for (const language of LANGUAGES) assert.deepEqual(keys(language), keys('en'));
    const bytes = Buffer.byteLength(await bundle(ACCOUNT));
    assert.ok(bytes > 5_000 && bytes <= 64 * 1024, `${bytes} bytes`);
  });
});
