// Block and action in a real browser, with the script as it is deployed. Skipped where there is no Chromium, or where the
// packages of `tests/browser` are not installed. PICTURES names a folder for what they look like.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { serveAdmin } from '../lib/admin.ts';
import { bundle } from '../lib/bundle.ts';
import { FakeConsole } from './console.ts';
import { type Language, LANGUAGES, locale, repository, SAMPLE } from './support.ts';

const folder = join(repository, 'tests/browser');
const chromium = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((it) => join(it, 'chromium'))
  .find(existsSync);
const skip = chromium === undefined || !existsSync(join(folder, 'node_modules/playwright-core'));
const pictures = process.env['PICTURES'];

interface Scene {
  target: string;
  language: Language;
  /** The value of the metafield; without one, the network is down. */
  value?: string | null;
  /** The selected orders, where they are not one. */
  selected?: number;
}

const block = 'admin.order-details.block.render';
const text = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">';
const hostile = {
  id: 'c4809f9b199959867b344883a5f958d0',
  document: text,
  label: { en: text },
  state: 'bounced',
  at: '2027-01-16T08:00:00Z',
  channel: text,
  address: 'שלום\u202e…@example.com\u2066',
  reason: `${text} \u202egnp.exe ${'wide'.repeat(100)}`,
  decision: { at: '2026-11-27T08:00:00Z', kind: 'resend', actor: text, reason: 'لأن العنوان خطأ' },
};

/** What a screen reader calls that which the keyboard is at. */
const FOCUSED = `(() => {
  let it = document.activeElement;
  while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
  const host = it?.getRootNode().host;
  return it?.getAttribute('aria-label') ?? host?.getAttribute('label') ?? host?.textContent ?? '';
})()`;

const SCENES: Record<string, Scene> = {
  ...Object.fromEntries(LANGUAGES.map((language) => [`block-${language}`, { target: block, language, value: SAMPLE }])),
  action: { target: 'admin.customer-details.action.render', language: 'en', value: SAMPLE },
  hostile: { target: block, language: 'en', value: JSON.stringify({ v: 2, communications: [hostile] }) },
  empty: { target: 'admin.company-location-details.block.render', language: 'de', value: null },
  later: { target: block, language: 'fr', value: '{"v":3}' },
  down: { target: block, language: 'en' },
  silent: { target: block, language: 'de', value: SAMPLE },
  print: { target: 'admin.order-details.print-action.render', language: 'en', value: SAMPLE },
  'print-many': { target: 'admin.order-index.selection-print-action.render', language: 'fr', selected: 3 },
};

describe('in a browser', { skip }, () => {
  // of each scene that is open, one after the other
  let fake = new FakeConsole();
  /** The console, or nothing where it is down. */
  const api = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = (request.url ?? '').slice('/api/v1/'.length);
      const found = fake.answer(request.method ?? '', path, Buffer.concat(chunks).toString());
      if (found === undefined) return void response.destroy();
      response.writeHead(found.status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(found.body));
    });
  };
  const scene = (name: string) => {
    const found = SCENES[name];
    return (
      found && {
        target: found.target,
        texts: locale(found.language),
        selected: Array.from({ length: found.selected ?? 1 }, (_, it) => `gid://shopify/Order/${it + 1}`),
        locale: found.language === 'en' ? 'en-GB' : found.language,
        answer: 'value' in found ? { data: { node: { metafield: { value: found.value } } } } : undefined,
      }
    );
  };
  const load = createRequire(join(folder, 'package.json'));
  const { chromium: engine } = skip ? {} : load('playwright-core');
  const { AxeBuilder } = skip ? {} : load('@axe-core/playwright');
  let browser: any;
  let base = '';
  let server: Server | undefined;

  before(async () => {
    ({ server, base } = await serveAdmin({ scene, api, script: await bundle() }));
    browser = await engine.launch({ executablePath: chromium, args: ['--no-sandbox'] });
    if (pictures) mkdirSync(pictures, { recursive: true });
  });
  after(async () => {
    await browser?.close();
    server?.close();
  });

  /** Opens a scene. Whatever the browser or the admin complains about is in `complaints`. */
  async function open(name: string, width: number) {
    fake = new FakeConsole();
    if (name === 'hostile') fake.hostile = ` ${text}\u202e`;
    if (['silent', 'down'].includes(name)) fake.next.set('documents', undefined);
    const context = await browser.newContext({ viewport: { width, height: 700 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    // that nobody answers is what some scenes are about
    const isDown = (said: string) => ['silent', 'down'].includes(name) && /ERR_EMPTY_RESPONSE/.test(said);
    page.on('console', (message: any) => isDown(message.text()) || complaints.push(message.text()));
    page.on('pageerror', (error: unknown) => complaints.push(String(error)));
    page.on('dialog', (dialog: any) => complaints.push(dialog.message()));
    page.on('request', (request: any) => {
      if (!request.url().startsWith(base)) complaints.push(`a request to ${request.url()}`);
    });
    await page.goto(`${base}/?scene=${name}`);
    await page.waitForSelector('s-admin-block :not(s-spinner), s-admin-action :not(s-spinner), s-admin-print-action');
    await page.waitForLoadState('networkidle');
    return { context, page, complaints };
  }

  async function isFine(page: any, complaints: string[], what: string) {
    const { violations } = await new AxeBuilder({ page }).analyze();
    // the page around it is the admin's
    const found = violations.filter(
      ({ id }: any) => !['landmark-one-main', 'page-has-heading-one', 'region', 'heading-order'].includes(id),
    );
    assert.deepEqual(
      found.map(({ id, nodes }: any) => `${id}: ${nodes.map((it: any) => it.html)}`),
      [],
      what,
    );
    const room = await page.evaluate('[document.scrollingElement.scrollWidth, innerWidth]');
    assert.ok(room[0] <= room[1], `${what}: wider than the page, ${room}`);
    assert.deepEqual([...complaints, ...fake.complaints], [], what);
  }

  for (const name of Object.keys(SCENES)) {
    for (const width of ['block-de', 'action', 'hostile'].includes(name) ? [1000, 320] : [1000]) {
      test(`${name} at ${width}`, async () => {
        const { context, page, complaints } = await open(name, width);
        if (pictures) await page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true });
        await isFine(page, complaints, name);
        await context.close();
      });
    }
  }

  test('everything is shown and done by keyboard alone', async () => {
    const { context, page, complaints } = await open('block-en', 1000);
    assert.equal(await page.getByRole('listitem').count(), 5);
    const focused = () => page.evaluate(FOCUSED);
    const to = async (name: RegExp) => {
      for (let tabs = 0; tabs < 60; tabs += 1) {
        await page.keyboard.press('Tab');
        if (name.test(await focused())) return;
      }
      assert.fail(`no way to ${name}`);
    };
    await to(/Send again: Packing slip/);
    await page.keyboard.press('Enter');
    await page.getByLabel('Reason').waitFor();
    await to(/^Reason$/);
    await page.keyboard.type('they asked');
    await to(/Other address/);
    await page.keyboard.type('right@example.com');
    await to(/^Send$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'It is being sent again' }).waitFor();
    await to(/Show all/);
    await page.keyboard.press('Enter');
    // what the metafield has, and what waits to be reported
    const all = JSON.parse(SAMPLE).communications.length + 1;
    await page
      .getByRole('listitem')
      .nth(all - 1)
      .waitFor();
    assert.equal(await page.getByRole('listitem').count(), all);
    await isFine(page, complaints, 'all');
    await context.close();
  });

  test('what others wrote is text, and steers nothing', async () => {
    const { context, page, complaints } = await open('hostile', 1000);
    const shown: string = await page.evaluate('document.body.innerText');
    assert.ok(shown.split(text).length - 1 >= 4, shown);
    for (const what of ['Open', 'Why?', 'Hold', 'Send again']) {
      await page
        .getByRole('button', { name: `${what}: ` })
        .first()
        .click();
      await page.waitForLoadState('networkidle');
      if (pictures) await page.screenshot({ path: join(pictures, `hostile-${what.slice(0, 3)}.png`), fullPage: true });
    }
    assert.equal(await page.evaluate('window.stolen'), undefined);
    assert.equal(await page.evaluate('document.querySelectorAll("img, script:not([type=module])").length'), 0);
    assert.doesNotMatch(shown, /[\u202a-\u202e\u2066\u2067]/u);
    // every isolate is closed
    for (const line of shown.split('\n')) {
      assert.equal((line.match(/\u2068/g) ?? []).length, (line.match(/\u2069/g) ?? []).length, line);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('each task of support takes two clicks at most', async () => {
    const { context, page, complaints } = await open('block-en', 1000);
    const slip = page.getByRole('listitem').filter({ hasText: 'Packing slip' });
    let clicks = 0;
    const click = async (role: string, name: RegExp, within: any = slip) => {
      clicks += 1;
      await within.getByRole(role, { name }).last().click();
    };
    const takes = async (what: string, most: number) => {
      assert.ok(clicks <= most, `${what} takes ${clicks} clicks`);
      if (pictures) await page.screenshot({ path: join(pictures, `task-${what}.png`), fullPage: true });
      await isFine(page, complaints, what);
      clicks = 0;
    };
    // see
    await slip.getByText('Archived on 15 Jan 2027, 08:01').waitFor();
    await takes('see', 0);
    await click('button', /^Open: /);
    const link = slip.getByRole('link', { name: /Receipt 1001\.pdf/ });
    assert.match(await link.getAttribute('href'), /^https:\/\/console\.example\/open\//);
    assert.equal(await link.getAttribute('target'), '_blank');
    clicks += 1;
    await takes('open', 2);
    await click('button', /^Send again: /);
    await slip.getByLabel('Reason').fill('they asked');
    await click('button', /^Send$/);
    await slip.getByRole('heading', { name: 'It is being sent again' }).waitFor();
    await takes('send-again', 2);
    const refund = page.getByRole('listitem').filter({ hasText: 'Refund confirmation' });
    await click('button', /^Send again: /, refund);
    await refund.getByLabel('Reason').fill('another address');
    await refund.getByLabel('Other address').fill('right@example.com');
    await click('button', /^Send$/, refund);
    await refund.getByRole('heading', { name: 'It is being sent again' }).waitFor();
    await takes('send-to-another-address', 2);
    const offer = page.getByRole('listitem').filter({ hasText: 'Your offer' });
    await click('button', /^Why/, offer);
    await offer.getByText('Give the customer an address.').waitFor();
    await takes('say-why-not', 1);
    const sent = fake.asked.filter(({ path }) => path.endsWith('/resend')).map(({ body }) => body?.['to']);
    assert.deepEqual(sent, [undefined, 'right@example.com']);
    await context.close();
  });

  test('a hold is placed and ended', async () => {
    const { context, page, complaints } = await open('block-en', 1000);
    const slip = page.getByRole('listitem').filter({ hasText: 'Packing slip' });
    await slip.getByRole('button', { name: /^Hold: / }).click();
    await slip.getByLabel('Reason').fill('the lawyers asked');
    await slip.getByLabel('Matter').fill('case 1');
    await slip.getByRole('button', { name: /^Hold$/ }).click();
    await slip.getByRole('button', { name: /End .*case 1/ }).waitFor();
    if (pictures) await page.screenshot({ path: join(pictures, 'task-hold.png'), fullPage: true });
    await isFine(page, complaints, 'hold');
    await slip.getByRole('button', { name: /End .*case 1/ }).click();
    await slip.getByRole('button', { name: /End .*case 1/ }).waitFor({ state: 'detached' });
    await context.close();
  });

  test('an action closes', async () => {
    const { context, page } = await open('action', 1000);
    await page.getByRole('button', { name: 'Close' }).click();
    assert.equal(await page.evaluate('document.body.childElementCount'), 0);
    await context.close();
  });
});
