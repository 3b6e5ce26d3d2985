// Block and action in a real browser, with the script as it is deployed. Skipped where there is no Chromium, or where the
// packages of `functions/documents/tests/browser` are not installed. PICTURES names a folder for what they look like.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundle } from '../lib/bundle.ts';
import { type Language, LANGUAGES, locale, repository, SAMPLE } from './support.ts';

const folder = join(repository, 'functions/documents/tests/browser');
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
}

const block = 'admin.order-details.block.render';
const text = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">';
const hostile = {
  id: 'c4809f9b199959867b344883a5f958d0',
  document: text,
  label: { en: text },
  state: 'bounced',
  at: '2026-11-27T08:00:00Z',
  channel: text,
  address: 'שלום\u202e…@example.com\u2066',
  reason: `${text} \u202egnp.exe ${'wide'.repeat(100)}`,
  decision: { at: '2026-11-27T08:00:00Z', kind: 'resend', actor: text, reason: 'لأن العنوان خطأ' },
};

const SCENES: Record<string, Scene> = {
  ...Object.fromEntries(LANGUAGES.map((language) => [`block-${language}`, { target: block, language, value: SAMPLE }])),
  action: { target: 'admin.customer-details.action.render', language: 'en', value: SAMPLE },
  hostile: { target: block, language: 'en', value: JSON.stringify({ v: 2, communications: [hostile] }) },
  empty: { target: 'admin.company-location-details.block.render', language: 'de', value: null },
  later: { target: block, language: 'fr', value: '{"v":3}' },
  down: { target: block, language: 'en' },
};

describe('in a browser', { skip }, () => {
  const types = { css: 'text/css', html: 'text/html', js: 'text/javascript', json: 'application/json' };
  let script = '';
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname === '/' ? 'page.html' : pathname.slice(1);
    const scene = SCENES[searchParams.get('scene') ?? ''];
    const file = join(import.meta.dirname, 'browser', name);
    const body =
      name === 'bundle.js'
        ? script
        : name === 'favicon.ico'
          ? ''
          : name === 'scene.json' && scene
            ? JSON.stringify({
                target: scene.target,
                texts: locale(scene.language),
                locale: scene.language === 'en' ? 'en-GB' : scene.language,
                answer: 'value' in scene ? { data: { node: { metafield: { value: scene.value } } } } : undefined,
              })
            : /^[a-z]+\.(css|html|js)$/.test(name) && existsSync(file)
              ? readFileSync(file, 'utf8')
              : undefined;
    response.writeHead(body === undefined ? 404 : 200, {
      'Content-Type': `${types[name.split('.').at(-1) as keyof typeof types] ?? 'text/plain'}; charset=utf-8`,
      'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'",
    });
    response.end(body);
  });
  const load = createRequire(join(folder, 'package.json'));
  const { chromium: engine } = skip ? {} : load('playwright-core');
  const { AxeBuilder } = skip ? {} : load('@axe-core/playwright');
  let browser: any;
  let base = '';

  before(async () => {
    script = await bundle();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await engine.launch({ executablePath: chromium, args: ['--no-sandbox'] });
    if (pictures) mkdirSync(pictures, { recursive: true });
  });
  after(async () => {
    await browser?.close();
    server.close();
  });

  /** Opens a scene. Whatever the browser or the admin complains about is in `complaints`. */
  async function open(name: string, width: number) {
    const context = await browser.newContext({ viewport: { width, height: 700 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message: any) => complaints.push(message.text()));
    page.on('pageerror', (error: unknown) => complaints.push(String(error)));
    page.on('dialog', (dialog: any) => complaints.push(dialog.message()));
    page.on('request', (request: any) => {
      if (!request.url().startsWith(base)) complaints.push(`a request to ${request.url()}`);
    });
    await page.goto(`${base}/?scene=${name}`);
    await page.waitForSelector('s-admin-block :not(s-spinner), s-admin-action :not(s-spinner)');
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
    assert.deepEqual(complaints, [], what);
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

  test('everything is shown by keyboard alone', async () => {
    const { context, page, complaints } = await open('block-en', 1000);
    assert.equal(await page.getByRole('listitem').count(), 5);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const all = JSON.parse(SAMPLE).communications.length;
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
    assert.equal(shown.split(text).length - 1, 4, shown);
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

  test('an action closes', async () => {
    const { context, page } = await open('action', 1000);
    await page.getByRole('button', { name: 'Close' }).click();
    assert.equal(await page.evaluate('document.body.childElementCount'), 0);
    await context.close();
  });
});
