// The blocks and the action as the admin runs them, with its API in the tester's place.

import { getExtension } from '@shopify/ui-extensions-tester';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { render as draw } from 'preact';
import { bundle, EXTENSION, targeting } from '../lib/bundle.ts';
import { SAMPLE, until, words } from './support.ts';

const MOST_BYTES = 64 * 1024;
const TARGETS = [
  'admin.order-details.block.render',
  'admin.customer-details.block.render',
  'admin.company-location-details.block.render',
  'admin.order-details.action.render',
  'admin.customer-details.action.render',
] as const;
/** `actions.test.ts` is about these. */
const PRINT = ['admin.order-details.print-action.render', 'admin.order-index.selection-print-action.render'];

interface Query {
  (text: string, options?: { variables?: Record<string, unknown> }): Promise<unknown>;
}

const answer = (value: string | null) => ({ data: { node: { metafield: value === null ? null : { value } } } });

const shown = (selector: string): Promise<Element> => until(() => document.querySelector(selector), selector);

for (const target of TARGETS) {
  describe(target, () => {
    const extension = getExtension(target, { configSearchDir: EXTENSION });
    const begin = () => {
      extension.setUp();
      Object.assign(extension.shopify.i18n, words('en'));
    };
    const end = () => {
      // the tester only empties the page, and Preact would believe that its elements are still there
      draw(null, document.body);
      extension.tearDown();
    };
    beforeEach(begin);
    afterEach(end);

    const render = async (query: Query) => {
      extension.shopify.data = { selected: [{ id: 'gid://shopify/Order/1' }] };
      extension.shopify.query = query as typeof extension.shopify.query;
      await extension.render();
    };
    const rows = () => document.querySelectorAll('[accessibilityRole="list-item"]').length;
    const isBlock = target.includes('.block.');

    test('lists what was sent, from one question about the page’s resource', async () => {
      const asked: unknown[] = [];
      await render(async (text, options) => {
        asked.push([/metafield\(namespace: "\$app", key: "communications"\)/.test(text), options?.variables]);
        return answer(SAMPLE);
      });
      const list = await shown('[accessibilityRole="unordered-list"]');
      assert.match(list.textContent ?? '', /Packing slipArchived/);
      assert.deepEqual(asked, [[true, { id: 'gid://shopify/Order/1' }]]);
      const all = JSON.parse(SAMPLE).communications.length;
      assert.equal(rows(), isBlock ? 5 : all);
      if (!isBlock) return;
      const button = await shown('s-button');
      assert.equal(button.textContent, `Show all ${all}`);
      button.dispatchEvent(new Event('click', { bubbles: true }));
      await shown(`[accessibilityRole="list-item"]:nth-child(${all})`);
      assert.equal(rows(), all);
      assert.equal(document.querySelector('s-button'), null);
    });

    test('says so where nothing was sent', async () => {
      for (const value of [null, '{"v":2,"communications":[]}']) {
        await render(async () => answer(value));
        assert.equal((await shown('s-paragraph')).textContent, 'Nothing has been sent yet.');
        end();
        begin();
      }
    });

    test('never says that nothing was sent where it does not know, and asks again on request', async () => {
      const failures: Query[] = [
        () => Promise.reject(new Error('network')),
        async () => ({ errors: [{ message: 'Access denied' }] }),
        async () => ({ data: { node: null } }),
        async () => ({ ...answer(null), errors: [{ message: 'Access denied for metafield' }] }),
        async () => ({}),
      ];
      for (const failure of failures) {
        let broken = true;
        await render((...question) => (broken ? failure(...question) : Promise.resolve(answer(SAMPLE))));
        const banner = await shown('s-banner[tone="critical"]');
        assert.equal(banner.getAttribute('heading'), 'The documents could not be read');
        broken = false;
        (await shown('s-banner s-button')).dispatchEvent(new Event('click', { bubbles: true }));
        await shown('[accessibilityRole="list-item"]');
        end();
        begin();
      }
    });

    test('tells a list that it cannot read from an empty one', async () => {
      await render(async () => answer('{"v":3}'));
      assert.match((await shown('s-banner[tone="warning"]')).getAttribute('heading') ?? '', /Update the app/);
    });

    test('shows what others wrote as text', async () => {
      const reason = '<img src=x onerror=alert(1)><script>alert(1)</script>&lt;';
      const communication = { id: 'a', document: 'receipt', state: 'failed', at: '2026-11-27T08:00:00Z', reason };
      await render(async () => answer(JSON.stringify({ v: 2, communications: [communication] })));
      const list = await shown('[accessibilityRole="unordered-list"]');
      assert.ok(list.textContent?.includes(reason), list.textContent ?? '');
      assert.equal(document.querySelectorAll('img, script').length, 0);
    });
  });
}

describe('the extension', () => {
  test('is for these pages', () => {
    assert.deepEqual(
      targeting()
        .map(({ target }) => target)
        .sort(),
      [...TARGETS, ...PRINT].sort(),
    );
  });

  test('is small enough for Shopify', async () => {
    const bytes = Buffer.byteLength(await bundle());
    assert.ok(bytes > 10_000 && bytes <= MOST_BYTES, `${bytes} bytes`);
  });
});
