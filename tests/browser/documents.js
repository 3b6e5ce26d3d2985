// Looks at pages as a customer does: on a phone, on a narrow phone and on a desktop, in light and in the dark, with axe
// and by keyboard alone. Arguments: the path of Chromium, a folder for pictures, and JSON that says what to open.
// Prints one line per page; fails at the first thing that is not as it should be.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const [executablePath, pictures, json] = process.argv.slice(2);
const { pages, large } = JSON.parse(json);

const SCREENS = {
  narrow: { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 900 } },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
};

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  for (const it of pages) {
    for (const [screen, options] of Object.entries(SCREENS)) await look(it, screen, options);
  }
  await withoutScript(pages[0]);
  await save(large);
} finally {
  await browser.close();
}

/** Opens a page; whatever the browser complains about fails the test. */
async function open(url, options) {
  const context = await browser.newContext({ ...options, locale: 'en-GB' });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // an answer with a status of 400 or more is a complaint of its own, and wanted here
    if (!/the server responded with a status of 4/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('blob:')) {
      complaints.push(`a request to another host: ${request.url()}`);
    }
  });
  const response = await page.goto(url);
  return { context, page, response, complaints };
}

async function look({ name, url, status, lang, dir, links }, screen, options) {
  const { context, page, response, complaints } = await open(url, options);
  const what = `${name} on ${screen}`;
  assert.equal(response.status(), status, what);
  const html = await page.locator('html').evaluate((it) => [it.lang, it.dir]);
  assert.deepEqual(html, [lang, dir], what);
  const room = await page.evaluate(() => [document.scrollingElement.scrollWidth, window.innerWidth]);
  assert.ok(room[0] <= room[1], `${what}: wider than the screen, ${room}`);

  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html)}`);
  assert.deepEqual(found, [], what);

  // the actions are large enough for a thumb
  for (const box of await page
    .locator('li a')
    .evaluateAll((all) => all.map((it) => it.getBoundingClientRect().toJSON()))) {
    assert.ok(box.height >= 44 && box.width >= 44, `${what}: ${box.width}×${box.height}`);
  }

  const reached = [];
  for (let step = 0; step < links + 2; step += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const it = document.activeElement;
      if (it === null || it === document.body) return undefined;
      const style = getComputedStyle(it);
      return { href: it.getAttribute('href'), outline: `${style.outlineStyle} ${style.outlineWidth}` };
    });
    if (focused === undefined) break;
    assert.match(focused.outline, /^solid [1-9]/, `${what}: nobody sees where the keyboard is`);
    if (reached.includes(focused.href + reached.length)) break;
    reached.push(focused.href);
  }
  assert.equal(reached.length, links, `${what}: reached ${reached}`);
  await page.screenshot({ path: join(pictures, `${name}-${screen}.png`), fullPage: true });
  assert.deepEqual(complaints, [], what);
  await context.close();
  console.log(`${what}: fine`);
}

/** A small document needs no script, and what is opened is what was archived. */
async function withoutScript({ url, sha256 }) {
  const { context, page, complaints } = await open(url, { javaScriptEnabled: false });
  const href = await page.locator('li a').first().getAttribute('href');
  const answer = await context.request.get(new URL(href, url).href);
  assert.equal(
    createHash('sha256')
      .update(await answer.body())
      .digest('hex'),
    sha256,
  );
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('without script: fine');
}

/** A large document is saved whole, by keyboard, and the page says so to those who do not see it. */
async function save({ url, sha256, name }) {
  const { context, page, complaints } = await open(url, { acceptDownloads: true });
  await page.keyboard.press('Tab');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.equal(download.suggestedFilename(), name);
  const saved = readFileSync(await download.path());
  assert.equal(createHash('sha256').update(saved).digest('hex'), sha256);
  await page.getByRole('status').filter({ hasText: 'saved' }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('a large document: fine');
}
