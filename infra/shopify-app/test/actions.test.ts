// What staff do from a page of the admin, against the console's contract: open, send again, ask why, hold, print.

import { getExtension } from '@shopify/ui-extensions-tester';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { render as draw } from 'preact';
import { EXTENSION } from '../lib/bundle.ts';
import { FakeConsole } from './console.ts';
import { SAMPLE, until, words } from './support.ts';

const native = globalThis.fetch;
let fake: FakeConsole;
/** What the next answer for printing waits for. */
let late: Promise<void> | undefined;

/** The admin's `fetch`: it knows the app's own address. No answer is an error of the network. */
const fetchOf = async (address: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const path = String(address);
  assert.match(path, /^\/api\/v1\//);
  const answer = fake.answer(init?.method ?? 'GET', path.slice('/api/v1/'.length), init?.body as string | undefined);
  if (path.endsWith('/print')) {
    const wait = late;
    late = undefined;
    await wait;
  }
  if (answer === undefined) throw new TypeError('Failed to fetch');
  return new Response(JSON.stringify(answer.body), { status: answer.status });
};

const item = (text: RegExp) => () =>
  Array.from(document.querySelectorAll('[accessibilityRole="list-item"]')).find((it) =>
    text.test(it.textContent ?? ''),
  );
const button = (within: Element, name: string) =>
  Array.from(within.querySelectorAll('s-button')).find((it) => it.textContent === name);
async function press(within: Element, name: string) {
  const found = await until(() => button(within, name), `button ${name}`);
  found.dispatchEvent(new Event('click', { bubbles: true }));
}
async function type(within: Element, label: RegExp, value: string) {
  const fields = () => Array.from(within.querySelectorAll('s-text-field'));
  const found = await until(() => fields().find((it) => label.test(it.getAttribute('label') ?? '')), `field ${label}`);
  (found as unknown as { value: string }).value = value;
  found.dispatchEvent(new Event('input', { bubbles: true }));
}
const sent = (what: string) => fake.asked.filter(({ path }) => path.endsWith(`/${what}`) || path === what);

function runs(target: Parameters<typeof getExtension>[0]) {
  const extension = getExtension(target as 'admin.order-details.block.render', { configSearchDir: EXTENSION });
  beforeEach(() => {
    fake = new FakeConsole();
    extension.setUp();
    globalThis.fetch = fetchOf as typeof fetch;
    Object.assign(extension.shopify.i18n, words('en'));
  });
  afterEach(() => {
    draw(null, document.body);
    extension.tearDown();
    globalThis.fetch = native;
    assert.deepEqual(fake.complaints, []);
  });
  return async (value: string | null = SAMPLE, selected = [{ id: 'gid://shopify/Order/1' }]) => {
    extension.shopify.data = { selected };
    const metafield = value === null ? null : { value };
    extension.shopify.query = (async () =>
      value === 'down' ? Promise.reject(new Error('down')) : { data: { node: { metafield } } }) as never;
    await extension.render();
  };
}

describe('from the page of an order', () => {
  const render = runs('admin.order-details.block.render');

  test('a document is opened, in two clicks, by an address that ends', async () => {
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    await press(slip, 'Open');
    const link = await until(() => slip.querySelector('s-link'), 'link');
    const id = JSON.parse(SAMPLE).communications[0].id as string;
    assert.equal(link.getAttribute('href'), `https://console.example/open/${id}`);
    assert.equal(link.getAttribute('target'), '_blank');
    assert.equal(link.textContent, 'Open \u2068Receipt 1001.pdf\u2069 in a window of its own');
  });

  test('an address that is none of the web becomes no link', async () => {
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'https://a.example/ x', 7]) {
      fake.next.set('open', { status: 200, body: { url, file_name: 'x', expires_at: new Date().toISOString() } });
      await press(slip, 'Open');
      await until(() => slip.querySelector('s-banner'), 'refusal');
      assert.equal(slip.querySelector('s-link'), null);
      await press(slip, 'Open');
    }
  });

  test('it says why', async () => {
    await render();
    const offer = await until(item(/Your offer/), 'offer');
    await until(() => button(offer, 'Why?'), 'why');
    assert.equal(button(offer, 'Open'), undefined, 'there is nothing to open');
    assert.equal(button(offer, 'Send again'), undefined);
    await press(offer, 'Why?');
    await until(() => /No channel can reach the recipient/.test(offer.textContent ?? ''), 'sentence');
  });

  test('a document is sent again with a reason, once, however often it is pressed without an answer', async () => {
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    await press(slip, 'Send again');
    await press(slip, 'Send');
    await until(() => slip.querySelector('s-text-field[error="Please fill this in"]'), 'message');
    assert.equal(sent('resend').length, 0, 'nothing goes without a reason');
    await type(slip, /Reason/, ' they asked ');
    fake.next.set('resend', undefined);
    await press(slip, 'Send');
    const refused = await until(() => slip.querySelector('s-banner[tone="critical"]'), 'banner');
    assert.equal(refused.getAttribute('heading'), 'This does not work at the moment. Nothing is lost by trying again.');
    await press(slip, 'Send');
    await until(() => slip.querySelector('s-banner[tone="success"]'), 'success');
    const [first, second] = sent('resend').map(({ body }) => body);
    assert.deepEqual(first, second, 'the same request is the same issue');
    assert.deepEqual(Object.keys(first ?? {}).sort(), ['reason', 'request']);
    assert.equal(first?.['reason'], 'they asked');
  });

  test('a document is sent to another address, which is another request', async () => {
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    await press(slip, 'Send again');
    await type(slip, /Reason/, 'wrong address');
    await type(slip, /Other address/, 'wrong');
    const message = 'It was not done: the corrected address is none.';
    fake.next.set('resend', { status: 409, body: { error: { code: 'refused', message } } });
    await press(slip, 'Send');
    await until(() => slip.querySelector(`s-banner[heading="\u2068${message}\u2069"]`), 'the console’s own words');
    await type(slip, /Other address/, 'right@example.com');
    await press(slip, 'Send');
    await until(() => slip.querySelector('s-banner[tone="success"]'), 'success');
    const [first, second] = sent('resend').map(({ body }) => body);
    assert.equal(second?.['to'], 'right@example.com');
    assert.notEqual(first?.['request'], second?.['request'], 'it would be the first one’s issue, and its address');
  });

  test('evidence is held and released, and others’ holds stay', async () => {
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    await press(slip, 'Hold');
    await until(() => /audit 2026/.test(slip.textContent ?? ''), 'a hold of others');
    assert.equal(button(slip, 'End \u2068audit 2026\u2069'), undefined);
    const hold = () =>
      Array.from(slip.querySelectorAll('s-button'))
        .filter((it) => it.textContent === 'Hold')
        .at(-1);
    await type(slip, /Reason/, 'the lawyers asked');
    (await until(hold, 'hold')).dispatchEvent(new Event('click', { bubbles: true }));
    await until(
      () => slip.querySelector('s-text-field[label^="Matter"][error="Please fill this in"]'),
      'message at the matter',
    );
    await type(slip, /Reason/, '');
    await type(slip, /Matter/, 'case 1');
    (await until(hold, 'hold')).dispatchEvent(new Event('click', { bubbles: true }));
    await until(() => slip.querySelector('s-text-field[error="Please fill this in"]'), 'message');
    assert.equal(sent('hold').length, 0);
    await type(slip, /Reason/, 'the lawyers asked');
    (await until(hold, 'hold')).dispatchEvent(new Event('click', { bubbles: true }));
    await press(slip, 'End \u2068case 1\u2069');
    await until(() => !/case 1/.test(slip.textContent ?? ''), 'release');
    assert.deepEqual(
      [sent('hold'), sent('release')].map(([it]) => it?.body),
      [
        { matter: 'case 1', reason: 'the lawyers asked' },
        { matter: 'case 1', reason: 'the lawyers asked' },
      ],
    );
  });

  test('the list works from the metafield alone, and says what it cannot do', async () => {
    fake.next.set('documents', undefined);
    await render();
    const slip = await until(item(/Packing slip/), 'slip');
    await until(() => /not available at the moment/.test(document.body.textContent ?? ''), 'line');
    assert.equal(button(slip, 'Open'), undefined);
    for (const answer of [
      { status: 503, body: { error: { code: 'unavailable', message: 'x' } } },
      { status: 200, body: { documents: 7 } },
    ]) {
      draw(null, document.body);
      fake.next.set('documents', answer);
      await render();
      await until(() => /not available at the moment/.test(document.body.textContent ?? ''), 'line');
      assert.ok(item(/Packing slip/)());
    }
  });

  test('what is not reported yet is listed too', async () => {
    await render();
    await until(item(/Receipt/), 'receipt');
    const first = document.querySelector('[accessibilityRole="list-item"]');
    assert.match(first?.textContent ?? '', /^ReceiptIn progress/, 'the newest first');
  });
});

describe('under Print', () => {
  const orders = (count: number) => Array.from({ length: count }, (_, it) => ({ id: `gid://shopify/Order/${it + 1}` }));
  const src = () => document.querySelector('s-admin-print-action')?.getAttribute('src');
  const boxes = () => Array.from(document.querySelectorAll('s-checkbox'));
  const untick = (box: Element | undefined) => box?.dispatchEvent(new Event('change', { bubbles: true }));

  describe('of an order', () => {
    const render = runs('admin.order-details.print-action.render');
    test('each archived document can be left out, and what cannot be printed is named', async () => {
      await render();
      await until(src, 'src');
      const archived = boxes().length;
      assert.ok(archived > 3);
      assert.equal(src(), `https://console.example/open/all-${archived}`);
      await until(() => document.querySelector('s-banner[heading*="there is no PDF of it"]'), 'reason');
      assert.match(boxes()[0]?.getAttribute('label') ?? '', /^Receipt: /);
      untick(boxes()[0]);
      await until(() => src() === `https://console.example/open/all-${archived - 1}`, 'fewer');
    });

    test('an answer that comes late is of other documents, and is not printed', async () => {
      let come = () => {};
      late = new Promise((resolve) => (come = resolve));
      await render();
      await until(() => boxes().length > 3, 'choices');
      await until(() => sent('print').length === 1, 'the first question');
      const archived = boxes().length;
      untick(boxes()[0]);
      await until(() => src() === `https://console.example/open/all-${archived - 1}`, 'the second answer');
      come();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(src(), `https://console.example/open/all-${archived - 1}`);
    });

    test('nothing is printed of what was chosen before', async () => {
      await render();
      await until(src, 'src');
      fake.next.set('print', undefined);
      untick(boxes()[0]);
      await until(() => document.querySelector('s-banner[tone="critical"]'), 'refusal');
      assert.equal(src() ?? null, null);
    });
  });

  describe('of several orders', () => {
    const render = runs('admin.order-index.selection-print-action.render');
    test('each kind of document can be left out, and no more are asked for than are printed at once', async () => {
      await render(null, orders(12));
      await until(src, 'src');
      assert.equal(src(), 'https://console.example/open/all-50');
      assert.ok(document.querySelector('s-banner[heading^="Only the first 50 of"]'));
      const labels = boxes().map((it) => it.getAttribute('label') ?? '');
      assert.equal(new Set(labels).size, labels.length);
      assert.ok(labels.includes('Packing slip (12)'), labels.join());
      for (const box of boxes().filter((it) => !/Packing slip/.test(it.getAttribute('label') ?? ''))) {
        untick(box);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await until(() => src() === 'https://console.example/open/all-12', 'the slips alone');
    });

    test('an order that cannot be read is told of, and stops no other', async () => {
      fake.next.set('documents', undefined);
      await render(null, orders(2));
      await until(
        () => document.querySelector('s-banner[heading="The documents of 1 order could not be read"]'),
        'one',
      );
      await until(src, 'src');
    });
  });
});
