// The app's configuration: what it says for which documents, and that Shopify's CLI takes it.

import { Ajv } from 'ajv';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'smol-toml';
import {
  configuration,
  type Document,
  DOCUMENTS,
  FULFILLMENT_ORDERS,
  scopes,
  topics,
  Unusable,
  type Wanted,
} from '../lib/app.ts';
import { shop } from '../lib/shop.ts';
import known from '../documents.json' with { type: 'json' };
import { QUERY } from '../extensions/documents/src/metafield.ts';
import { fromRepository, repository } from './support.ts';

const wanted = (documents: readonly Document[], more: Partial<Wanted> = {}): Wanted => ({
  clientId: '0123456789abcdef0123456789abcdef',
  name: 'Customer documents',
  url: 'https://acme.example',
  eventSource: 'arn:aws:events:eu-central-1::event-source/aws.partner/shopify.com/123456/orders',
  documents: new Set(documents),
  reconcile: false,
  subscriptions: false,
  fulfillmentOrders: ['merchant_managed'],
  ...more,
});
const FLOWS = [...new Set(DOCUMENTS.map((document) => known[document].flow))];
const everything = { reconcile: true, subscriptions: true, fulfillmentOrders: FULFILLMENT_ORDERS };

const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'shopify-app-toml.schema.json'), 'utf8'));
const conforms = new Ajv({ allErrors: true, strict: false }).compile(schema);

/** The scopes in the table of docs/deployment.md, by whom they are for: a flow, or `reconcile`. */
function documented(): Map<string, Set<string>> {
  const page = fromRepository('docs/deployment.md');
  const table = page.slice(page.indexOf('Admin API scopes:')).split('\n\n')[1] ?? '';
  const users = [...FLOWS, 'reconcile'];
  const found = new Map(users.map((user) => [user, new Set<string>()]));
  let named: string[] = [];
  for (const row of table.split('\n').slice(2)) {
    const [, who = '', scopes = ''] = row.split('|').map((cell) => cell.trim());
    // an empty cell is the one above
    if (who !== '') named = who === 'every flow' ? FLOWS : who.split(', ').map((name) => name.replace(' ', '-'));
    for (const user of named) scopes.match(/(?:read|write)_\w+/g)?.forEach((scope) => found.get(user)?.add(scope));
  }
  return found;
}

describe('the configuration', () => {
  test('conforms for every document, and for all of them', () => {
    for (const documents of [...DOCUMENTS.map((it) => [it]), DOCUMENTS]) {
      const text = configuration(wanted(documents, { privacyUrl: 'https://acme.example/privacy' }));
      assert.ok(conforms(parse(text)), `${documents}: ${JSON.stringify(conforms.errors)}`);
    }
  });

  test('asks for the scopes and topics of the documents that are switched on, and for no others', () => {
    const receipt = parse(configuration(wanted(['receipt'])));
    assert.deepEqual(receipt['access_scopes'], {
      scopes: 'read_customers,read_orders,read_payment_terms,read_products,write_orders',
    });
    assert.deepEqual(receipt['webhooks'], {
      api_version: '2026-10',
      subscriptions: [{ uri: wanted([]).eventSource, topics: ['orders/paid'] }],
    });
    assert.ok('order' in receipt && !('customer' in receipt) && !('company_location' in receipt));

    const statement = parse(configuration(wanted(['account-statement'])));
    assert.deepEqual(statement['webhooks'], { api_version: '2026-10' }, 'schedules lead to statements');
    assert.ok('customer' in statement && 'company_location' in statement);
    assert.ok(scopes(wanted(['account-statement'])).includes('read_all_orders'));
    assert.ok(!scopes(wanted(['receipt'])).includes('read_returns'));
    assert.ok(scopes(wanted(['receipt'], { reconcile: true })).includes('read_returns'), 'they may have been missed');
  });

  test('leaves subscriptions out unless they are the app’s own', () => {
    const topic = 'subscription_billing_attempts/failure';
    assert.ok(!topics(wanted(['payment-failure-letter'])).includes(topic));
    const own = wanted(['payment-failure-letter'], { subscriptions: true });
    assert.ok(topics(own).includes(topic) && scopes(own).includes('read_own_subscription_contracts'));
  });

  test('asks for the scopes of the manual, flow by flow', () => {
    const found = documented();
    for (const flow of FLOWS) {
      const documents = DOCUMENTS.filter((document) => known[document].flow === flow);
      assert.ok(documents.length > 0);
      const subscriptions = flow === 'exception-letters';
      const asked = scopes(wanted(documents, { ...everything, reconcile: false, subscriptions }));
      assert.deepEqual(asked, [...(found.get(flow) ?? [])].sort(), flow);
      const missed = scopes(wanted(documents, { ...everything, subscriptions }));
      const both = new Set([...asked, ...(found.get('reconcile') ?? [])]);
      assert.deepEqual(missed, [...both].sort(), `${flow} with reconcile`);
    }
  });

  test('defines the metafield that write-back writes and the extension reads', () => {
    const model = fromRepository('shared/shop-config/src/model.rs');
    assert.match(model, /namespace: "\$app"\.to_owned\(\),\s+key: "communications"\.to_owned\(\)/);
    assert.match(QUERY, /namespace: "\$app", key: "communications"/);
    const { order } = parse(configuration(wanted(['receipt']))) as { order?: { metafields?: { app?: object } } };
    assert.deepEqual(Object.keys(order?.metafields?.app ?? {}), ['communications']);
  });

  test('is refused with a reason where something is missing', () => {
    const bad: [Partial<Wanted>, RegExp][] = [
      [{ clientId: 'x' }, /client id/],
      [{ url: 'http://acme.example' }, /HTTPS/],
      [{ privacyUrl: '/privacy' }, /privacy/],
      [{ eventSource: 'arn:aws:events:eu-central-1:123456789012:event-bus/x' }, /event source/],
      [{ documents: new Set() }, /no document/],
      [{ fulfillmentOrders: [] }, /who prepares/],
      [{ name: '' }, /name/],
    ];
    for (const [more, why] of bad) {
      assert.throws(
        () => configuration(wanted(['receipt'], more)),
        (error) => error instanceof Unusable && why.test(error.message),
      );
    }
  });

  test('cannot be broken by a name', () => {
    const name = 'A "quoted" \\ # [name]';
    assert.equal(parse(configuration(wanted(['receipt'], { name })))['name'], name);
  });
});

describe('the schema', () => {
  const text = configuration(wanted(DOCUMENTS));
  for (const [what, right, wrong] of [
    ['another namespace', '[order.metafields.app.communications]', '[order.metafields.custom.communications]'],
    ['a topic in another form', '"orders/paid"', '"ORDERS_PAID"'],
    ['a bus in the place of the event source', '::event-source/', ':123456789012:event-bus/'],
    ['a misspelt table', '[access_scopes]', '[access_scope]'],
    ['no version', 'api_version = ', 'version = '],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.ok(text.includes(right));
      assert.ok(!conforms(parse(text.replaceAll(right, wrong))));
    });
  }
});

describe('configure', () => {
  const folder = join(import.meta.dirname, '..');
  const configure = (...options: string[]) =>
    promisify(execFile)('node', ['--import', 'tsx', 'bin/configure.ts', ...options], { cwd: folder });
  const id = ['--client-id', wanted([]).clientId, '--event-source', wanted([]).eventSource, '--url', wanted([]).url];

  test('reads what a shop has switched on', () => {
    const config =
      'shop = "a"\n[documents.receipt]\n[documents.packing-slip]\nenabled = false\n[reconcile]\nsince = 1\n';
    assert.deepEqual(shop(config), { documents: ['receipt'], reconcile: true });
    assert.deepEqual(shop('shop = "a"'), { documents: [], reconcile: false });
    assert.throws(() => shop('[documents.postcard]'), /no such documents: postcard/);
  });

  test('writes the file for the shops that it is given', async () => {
    const made = mkdtempSync(join(tmpdir(), 'configure-'));
    const output = join(made, 'shopify.app.toml');
    await configure(...id, '--output', output, join(repository, 'infra/local/config/demo-shop.toml'));
    const app = parse(readFileSync(output, 'utf8'));
    rmSync(made, { recursive: true });
    assert.ok(conforms(app), JSON.stringify(conforms.errors));
    const { subscriptions } = app['webhooks'] as { subscriptions: { topics: string[] }[] };
    assert.deepEqual(subscriptions[0]?.topics, topics(wanted(DOCUMENTS)), 'the demo’s shop has every document');
  });

  test('says what is wrong', async () => {
    for (const [options, why] of [
      [id, /name the configuration/],
      [[...id, 'no-such-shop.toml'], /ENOENT/],
      [['../local/config/demo-shop.toml'], /client id/],
    ] as const) {
      await assert.rejects(configure(...options), why);
    }
  });
});
