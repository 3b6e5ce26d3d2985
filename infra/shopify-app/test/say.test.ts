// What a merchant reads, in every language.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { read } from '../extensions/documents/src/metafield.ts';
import { REASONS } from '../extensions/documents/src/reasons.ts';
import { CHANNELS, row } from '../extensions/documents/src/say.ts';
import { fromRepository, type Language, LANGUAGES, locale, repository, SAMPLE, words } from './support.ts';

/** The lines of a list, without the marks that isolate. */
function said(language: Language, value: string): string[][] {
  const status = read(value);
  assert.equal(status.kind, 'list');
  const all = status.kind === 'list' ? status.communications : [];
  return all.map((it) => {
    const { title, state, lines } = row(it, all, words(language));
    return [title, state, ...lines].map((line) => line.replace(/[\u2068\u2069]/g, ''));
  });
}

const receipt = (fields: object) =>
  JSON.stringify({
    v: 2,
    communications: [
      {
        id: 'c4809f9b199959867b344883a5f958d0',
        document: 'receipt',
        state: 'delivered',
        at: '2026-11-27T08:02:00Z',
        delivered: '2026-11-27T08:02:00Z',
        channel: 'email',
        address: 'c…@example.com',
        label: { en: 'Receipt', de: 'Beleg', fr: 'Reçu' },
        ...fields,
      },
    ],
  });

/** The names of all texts of a locale. */
const keys = (texts: object, before = ''): string[] =>
  Object.entries(texts).flatMap(([key, text]) =>
    typeof text === 'string' ? [before + key] : keys(text as object, `${before}${key}.`),
  );

describe('a communication', () => {
  test('is a sentence', () => {
    assert.deepEqual(said('en', receipt({})), [
      ['Receipt', 'Delivered', 'Delivered on 27 Nov 2026, 08:02 to c…@example.com, by e-mail'],
    ]);
    assert.deepEqual(said('de', receipt({})), [
      ['Beleg', 'Zugestellt', 'Zugestellt am 27.11.2026, 08:02 an c…@example.com, per E-Mail'],
    ]);
    assert.deepEqual(said('fr', receipt({})), [
      ['Reçu', 'Remis', 'Remis le 27 nov. 2026, 08:02 à c…@example.com, par e-mail'],
    ]);
  });

  test('says what became of it, why, who decided, and of which it is a further issue', () => {
    const all = said('en', SAMPLE).map((lines) => lines.join(' | '));
    assert.deepEqual(all, [
      'Packing slip | Archived | Archived on 15 Jan 2027, 08:01, not to be sent',
      'Refund confirmation | Sent | Sent on 15 Jan 2027, 08:01, as a link | Link 0123456789ab',
      'Your offer | Not sent | Decided on 15 Jan 2027, 08:01 not to send it | Reason: no channel can reach the recipient',
      'Account statement, October 2026 | Failed | Failed on 15 Jan 2027, 08:01 | Reason: Exstream refused the request',
      'About your payment dispute | Unclear | Unclear since 15 Jan 2027, 08:00 whether it was sent | About a payment dispute | ' +
        'Reason: a send may have happened | It may have reached the customer. Ask whoever operates the connection to Exstream ' +
        'to settle it before it is sent again.',
      'Receipt | Delivered | Delivered to z…@example.com, by e-mail | ' +
        'Settled by support@acme.example on 15 Jan 2027, 08:00: the customer has it',
      'Receipt | Sent | Sent on 15 Jan 2027, 08:00 to z…@example.com, by e-mail | ' +
        'A further issue of the one of 15 Jan 2027, 08:00 | ' +
        'Asked for by support@acme.example on 15 Jan 2027, 08:00: the address was wrong',
      'Receipt | Came back | Came back on 15 Jan 2027, 08:00 to z…@example.com, by e-mail | Reason: 5.1.1 mailbox unknown',
      'Receipt | Delivered | Delivered on 15 Jan 2027, 08:00 to z…@example.com, by e-mail | ' +
        'Asked for by Shopify Flow on 15 Jan 2027, 08:00: released from the fraud hold',
    ]);
  });

  test('is called by its document where the list has no title', () => {
    assert.equal(said('de', receipt({ label: undefined, document: 'packing-slip' }))[0]?.[0], 'Packing slip');
    assert.equal(said('fr', receipt({ label: { en: 'Receipt' } }))[0]?.[0], 'Receipt');
  });

  test('has a reason in the merchant’s language where this system gave it', () => {
    const why = (language: Language, reason: string) =>
      said(language, receipt({ state: 'suppressed', address: undefined, reason }))[0]?.at(-1);
    assert.equal(why('de', 'the order is cancelled'), 'Grund: die Bestellung ist storniert');
    assert.equal(why('fr', 'the order is cancelled'), 'Motif : la commande est annulée');
    assert.equal(why('en', 'the order is cancelled'), 'Reason: the order is cancelled');
    assert.equal(why('de', 'constructor'), 'Grund: constructor');
    assert.equal(why('de', '__proto__'), 'Grund: __proto__');
  });

  test('keeps what others wrote between isolates', () => {
    const status = read(receipt({ state: 'bounced', reason: 'שלום {{at}} <b>x</b>' }));
    const all = status.kind === 'list' ? status.communications : [];
    const lines = all.flatMap((it) => row(it, all, words('en')).lines);
    assert.equal(lines[1], 'Reason: \u2068שלום {{at}} <b>x</b>\u2069');
    assert.match(lines[0] ?? '', /\u2068c…@example\.com\u2069/);
  });
});

describe('the languages', () => {
  test('have the same texts', () => {
    for (const language of LANGUAGES) {
      assert.deepEqual(keys(locale(language)).sort(), keys(locale('en')).sort(), language);
      assert.equal(locale(language)['language'], language);
    }
  });

  test('say everything there is to say', () => {
    const states = [
      'claimed',
      'archived',
      'sending',
      'accepted',
      'delivered',
      'bounced',
      'failed',
      'suppressed',
      'unknown',
    ];
    const channels = [...CHANNELS, 'pigeon', undefined];
    const subjects = [
      'Dispute',
      'Fulfillment',
      'FulfillmentOrder',
      'OrderTransaction',
      'PaymentSchedule',
      'Refund',
      'Return',
      'Order',
    ];
    for (const language of LANGUAGES) {
      for (const state of states) {
        for (const channel of channels) said(language, receipt({ state, channel, address: undefined }));
        said(
          language,
          receipt({
            state,
            delivered: undefined,
            decision: { at: '2026-11-27T08:00:00Z', kind: 'settle', actor: 'a', reason: 'b' },
          }),
        );
      }
      for (const subject of subjects) said(language, receipt({ subject: `gid://shopify/${subject}/1`, issue_of: 'x' }));
    }
  });

  test('have a word for every channel', () => {
    const [, body = ''] = fromRepository('shared/shop-config/src/document.rs').split('Channel, "channel", {');
    const named = [...(body.split('\n    }\n}')[0] ?? '').matchAll(/ = "(\w+)"/g)].map(([, name]) => name);
    assert.deepEqual([...CHANNELS].sort(), named.sort());
  });

  /** What the code gives as a reason in fixed words, so that a merchant is not met by English now and then. */
  test('have the reasons of this system, and no others', () => {
    const files = execFileSync('git', ['ls-files', 'functions/*/src/*.rs', 'shared/flow/src/*.rs'], {
      cwd: repository,
      encoding: 'utf8',
    });
    const code = files
      .split('\n')
      .filter((file) => file !== '' && !/\/tests(\/|\.rs)/.test(file))
      .map(fromRepository)
      .join('\n');
    const given = [...code.matchAll(/(?:Suppress|Suppressed|suppressed)\(\s*"([^"{}]+)"/g)].map(
      ([, reason]) => reason ?? '',
    );
    assert.ok(given.length > 20, 'no reasons were found in the code');
    assert.deepEqual(
      given.filter((reason) => REASONS[reason] === undefined),
      [],
    );
    assert.deepEqual(
      Object.keys(REASONS).filter((reason) => !code.includes(`"${reason}"`)),
      [],
    );
    for (const [reason, texts] of Object.entries(REASONS))
      assert.deepEqual(Object.keys(texts).sort(), ['de', 'fr'], reason);
  });
});
