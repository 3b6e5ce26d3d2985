// Looks at the console as people use it: on a phone and on a desktop, in light and in the dark, with axe and by keyboard alone;
// logs in, and does the five tasks of support, holds evidence, and works off dead letters. Arguments: the path of Chromium, a folder for pictures, and JSON that says
// where the console is and what to open. Prints one line per page; fails at the first thing that is not as it should be.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const [executablePath, pictures, json] = process.argv.slice(2);
const { base, pages, order, delivered, failed, hostile, sha256 } = JSON.parse(json);

const SCREENS = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 900 } },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
};

/** A page of the function has no more bytes. That it is quick is measured where nothing else runs. */
const MOST_BYTES = 50_000;

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
  await dashboard();
  await holds();
  await deadLetters();
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
  const size = (await response.body()).length;
  assert.ok(size <= MOST_BYTES, `${what}: ${size} bytes`);
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
  const isInTheField = () => page.waitForFunction(() => document.activeElement?.name === 'q');
  await page.goto(base);
  await isInTheField();
  await page.keyboard.type(order);
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  await isInTheField();
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

/** Presses the tabulator until what is focused has this name, with a visible focus at each step. */
async function tabTo(page, name) {
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const it = document.activeElement;
      const style = getComputedStyle(it);
      const label = it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent;
      return { label: label.trim(), outline: `${style.outlineStyle} ${style.outlineWidth}` };
    });
    assert.match(focused.outline, /^solid [1-9]/, `nobody sees where the keyboard is: ${JSON.stringify(focused)}`);
    if (name.test(focused.label)) return;
  }
  assert.fail(`the keyboard does not reach ${name}`);
}

/** What was said is where the keyboard is. */
async function isToldAt(page, role, text) {
  await page.waitForFunction((wanted) => document.activeElement?.getAttribute('role') === wanted, role);
  const said = await page.evaluate(() => [
    document.activeElement.getAttribute('role'),
    document.activeElement.textContent,
  ]);
  assert.equal(said[0], role, said[1]);
  assert.match(said[1], text);
}

async function isAccessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`),
    [],
    what,
  );
}

/** The pictures say nothing that a table does not say, and the tables open by keyboard. */
async function dashboard() {
  const { context, page, complaints } = await logIn('support');
  await page.goto(`${base}${pages.find(({ name }) => name === 'dashboard').path}`);
  assert.ok((await page.locator('svg[role=img]').count()) >= 4, 'there are charts');
  await tabTo(page, /^As a table$/);
  await page.keyboard.press('Enter');
  await page.getByRole('columnheader', { name: 'unknown whether sent' }).waitFor();
  assert.ok((await page.locator('details[open] td').first().textContent()) !== '');
  // a reason that somebody else wrote is text, in the picture and in the table
  assert.equal(await page.locator('img, script').count(), 0);
  const pictured = await page.locator('svg text').allTextContents();
  assert.ok(
    pictured.some((text) => text.startsWith('<script>')),
    'the picture names it',
  );
  await isAccessible(page, 'an open table');
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('the dashboard by keyboard: fine');
}

/** Held, what is wrong with a form, and released: by keyboard alone. */
async function holds() {
  const { context, page, complaints } = await logIn('auditor');
  await page.goto(`${base}/c/${delivered}`);
  const hold = async (matter, reason) => {
    await tabTo(page, /^Matter/);
    await page.keyboard.type(matter);
    await tabTo(page, /^Why/);
    await page.keyboard.type(reason);
    await tabTo(page, /^Hold$/);
    await page.keyboard.press('Enter');
  };
  await hold('case 1', '');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'reason', 'the browser asks for the reason');
  await page.goto(`${base}/c/${delivered}`);
  await hold('case 1', 'the lawyers\u202e asked');
  await page.getByRole('alert').waitFor();
  await isToldAt(page, 'alert', /^It was not done: the reason needs/);
  await isAccessible(page, 'a refused hold');
  await page.screenshot({ path: join(pictures, 'hold-refused.png'), fullPage: true });
  complaints.length = 0; // the browser reports the status of a refused form
  await hold('case 1', 'the lawyers asked');
  await page.waitForURL(/done=hold/);
  await isToldAt(page, 'status', /^It is held/);
  await isAccessible(page, 'held');
  await page.screenshot({ path: join(pictures, 'held.png'), fullPage: true });
  await tabTo(page, /^Why/);
  await page.keyboard.type('the case is closed');
  await tabTo(page, /^End the hold for case 1$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=release/);
  await page.getByText('It is held for nothing.').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('a hold by keyboard: fine');
}

/** From the list to one message and to a queue that is empty, by keyboard alone. */
async function deadLetters() {
  const { context, page, complaints } = await logIn('operator');
  await page.goto(`${base}/dead-letters`);
  await tabTo(page, /^write-back$/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Dead letters of write-back' }).waitFor();
  // what is hidden in it or turns its direction is left out
  const text = hostile.split('\u202e')[0];
  assert.ok((await page.evaluate(() => document.body.innerText)).includes(text), 'the reason is shown as it is');
  assert.equal(await page.locator('img, script').count(), 0);
  await tabTo(page, /^waited-too-long$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/cause=waited-too-long/);
  await page.getByText('Of 3 that were looked at, 1 are meant.').waitFor();
  await tabTo(page, /^Why$/);
  await page.keyboard.type('Shopify is back');
  await tabTo(page, /^Deliver 1 or more again$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=redrive/);
  await isToldAt(page, 'status', /^1 messages were delivered again/);
  await isAccessible(page, 'delivered again');
  await page.goto(`${base}/dead-letters/write-back`);
  await tabTo(page, /^Why they are not needed$/);
  await page.keyboard.type('of a test');
  await tabTo(page, /^Delete them$/);
  await page.keyboard.press('Space');
  await tabTo(page, /^Discard 2 or more for good$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=discard/);
  await isToldAt(page, 'status', /^2 messages were discarded/);
  await page.getByText('About 0 messages.').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
  console.log('dead letters by keyboard: fine');
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
  for (const { path } of pages) {
    const response = await page.goto(`${base}${path}`);
    assert.equal(response.status(), 403, path);
    const shown = await page.locator('main').innerText();
    assert.match(shown, /^You have no role here\s+Your account was recognised[^\n]*$/, path);
  }
  await context.close();
  console.log('nobody: fine');
}
