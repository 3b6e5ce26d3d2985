// Looks at the console as people use it: on a phone and on a desktop, in light and in the dark, with axe and by keyboard alone;
// logs in, and does the five tasks of support. Arguments: the path of Chromium, a folder for pictures, and JSON that says
// where the console is and what to open. Prints one line per page; fails at the first thing that is not as it should be.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const [executablePath, pictures, json] = process.argv.slice(2);
const { base, pages, order, delivered, failed, sha256 } = JSON.parse(json);

const SCREENS = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 900 } },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
};

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  for (const [screen, options] of Object.entries(SCREENS)) {
    const { context, page, complaints } = await logIn('operator', options);
    for (const it of pages) await look(page, it, screen);
    assert.deepEqual(complaints, [], screen);
    await context.close();
  }
  await byKeyboard();
  await tasks();
  await nobody();
} finally {
  await browser.close();
}

/** Logs somebody in through the provider's page; whatever the browser complains about is kept. */
async function logIn(person, options = SCREENS.desktop) {
  const context = await browser.newContext({ ...options, locale: 'en-GB' });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  await page.goto(base);
  await page.getByRole('link', { name: person, exact: true }).click();
  await page.waitForURL(`${base}/`);
  complaints.length = 0;
  return { context, page, complaints };
}

async function look(page, { name, path }, screen) {
  const what = `${name} on ${screen}`;
  const response = await page.goto(`${base}${path}`);
  assert.equal(response.status(), 200, what);
  const room = await page.evaluate(() => [document.scrollingElement.scrollWidth, window.innerWidth]);
  assert.ok(room[0] <= room[1], `${what}: wider than the screen, ${room}`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html)}`);
  assert.deepEqual(found, [], what);
  await page.screenshot({ path: join(pictures, `${name}-${screen}.png`), fullPage: true });
  console.log(`${what}: fine`);
}

/** From the address alone to an open communication without a mouse, with a visible focus at each step. */
async function byKeyboard() {
  const { context, page, complaints } = await logIn('support');
  await page.goto(base);
  await page.keyboard.type(order);
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  await page.evaluate(() => document.activeElement?.blur());
  let reached;
  for (let step = 0; step < 60 && reached === undefined; step += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const it = document.activeElement;
      // the keyboard is at the browser's own controls
      if (it === document.body) return null;
      const style = getComputedStyle(it);
      return { href: it.getAttribute('href'), outline: `${style.outlineStyle} ${style.outlineWidth}` };
    });
    if (focused === null) continue;
    assert.match(focused.outline, /^solid [1-9]/, `nobody sees where the keyboard is: ${JSON.stringify(focused)}`);
    if (focused.href === `/c/${delivered}`) reached = focused.href;
  }
  assert.ok(reached, 'the keyboard reaches a communication');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/c/${delivered}`);
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('by keyboard: fine');
}

/** See, open, send again, send to another address, say why not: each in at most two clicks from the list of an order. */
async function tasks() {
  const { context, page, complaints } = await logIn('support');
  let clicks = 0;
  const list = async () => {
    await page.goto(`${base}/?q=${encodeURIComponent(order)}`);
    clicks = 0;
  };
  const click = async (locator) => {
    clicks += 1;
    await locator.click();
  };
  const row = (id) => page.locator(`a[href="/c/${id}"]`).first();
  const done = (task) => {
    assert.ok(clicks <= 2, `${task}: ${clicks} clicks`);
    console.log(`${task}: ${clicks} clicks`);
  };

  await list();
  await click(row(delivered));
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  done('see');

  await list();
  const open = page.locator(`a[href="/c/${delivered}/document/0"]`);
  const answer = await context.request.get(new URL(await open.getAttribute('href'), base).href);
  assert.equal(
    createHash('sha256')
      .update(await answer.body())
      .digest('hex'),
    sha256,
  );
  clicks += 1;
  done('open');

  await list();
  await click(row(delivered));
  await click(page.getByRole('button', { name: 'Send again' }));
  await page.getByRole('status').filter({ hasText: 'Another issue is on its way' }).waitFor();
  done('send again');

  await list();
  await click(row(delivered));
  await page.getByLabel('Corrected address').fill('right@example.com');
  await click(page.getByRole('button', { name: 'Send again' }));
  await page.getByRole('status').filter({ hasText: 'Another issue is on its way' }).waitFor();
  done('send to another address');

  await list();
  await click(row(failed));
  await page.getByText('It was not sent: it failed').waitFor();
  done('say why not');

  assert.deepEqual(complaints, []);
  await context.close();
}

/** Somebody without a role gets one page, and it says nothing but that. */
async function nobody() {
  const { context, page } = await logIn('nobody');
  await page.getByRole('heading', { name: 'You have no role here' }).waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(
    violations.map(({ id }) => id),
    [],
  );
  await page.screenshot({ path: join(pictures, 'nobody.png') });
  await context.close();
  console.log('nobody: fine');
}
