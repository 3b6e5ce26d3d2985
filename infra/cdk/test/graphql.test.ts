// Every query and mutation that the functions send, against the Admin API's own schema. The schema of the pinned
// version comes with an npm package, so a field that does not exist is found here and not by a shop.

import { buildClientSchema, parse, validate, type OperationDefinitionNode } from 'graphql';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { costs, type Variables } from './costs.ts';

const ADMIN_API_VERSION = '2026-10';
const schemaFile = resolve(__dirname, `../node_modules/@shopify/dev-mcp/dist/data/admin_${ADMIN_API_VERSION}.json.gz`);
const documents = resolve(__dirname, '../../../shared/shopify/graphql');
const files = existsSync(documents)
  ? readdirSync(documents)
      .filter((name) => name.endsWith('.graphql'))
      .sort()
  : [];

let schema: ReturnType<typeof buildClientSchema>;
before(() => {
  const introspection = JSON.parse(gunzipSync(readFileSync(schemaFile)).toString('utf8'));
  schema = buildClientSchema(introspection.data ?? introspection, { assumeValid: true });
});

/** What is wrong with a document: nothing, if it can be sent as it is. */
function problems(text: string): string[] {
  return validate(schema, parse(text)).map(({ message, locations }) => `line ${locations?.[0]?.line}: ${message}`);
}

test('there are documents to check', () => {
  assert.notEqual(files.length, 0, 'no *.graphql file in shared/shopify/graphql');
});

test('a field that does not exist is found', () => {
  assert.deepEqual(problems('query Shop { shop { id nmae } }'), [
    'line 1: Cannot query field "nmae" on type "Shop". Did you mean "name"?',
  ]);
});

for (const file of files) {
  describe(file, () => {
    const text = readFileSync(join(documents, file), 'utf8');
    const operations = parse(text).definitions.filter(
      (definition): definition is OperationDefinitionNode => definition.kind === 'OperationDefinition',
    );
    for (const operation of operations) {
      const name = operation.name?.value;
      test(`${operation.operation} ${name ?? '(anonymous)'}`, () => {
        assert.ok(name !== undefined, "an operation needs a name, or Shopify's logs cannot tell it from others");
        assert.deepEqual(problems(text), []);
      });
    }
    test('is sent as one operation', () => assert.ok(operations.length <= 1));
  });
}

/** Points of an operation by the published and by the measured rule, with the pages that the functions ask for. */
const COSTS: Readonly<Record<string, readonly [number, number]>> = {
  access_scopes: [2, 2],
  billing_attempt: [137, 34],
  bulk_run: [10, 10],
  bulk_status: [1, 1],
  changed_order: [257, 18],
  changed_order_ids: [12, 6],
  changed_orders: [572, 58],
  customer_for_offers: [5, 5],
  customer_payments: [3153, 141],
  customer_purchases: [2603, 81],
  customer_since: [1, 1],
  dispute: [4, 4],
  flow_trigger: [10, 10],
  fulfillment_for_documents: [993, 104],
  fulfillment_order_for_documents: [506, 28],
  line_products: [4, 4],
  marketing_consent: [2, 2],
  marketing_unsubscribe: [10, 10],
  metafield_define: [10, 10],
  metafield_definition: [4, 4],
  order_cancellation: [120, 28],
  order_exists: [1, 1],
  order_for_documents: [970, 130],
  order_transaction: [6, 6],
  payment_schedule: [56, 13],
  purchase_lines: [253, 14],
  recent_dispute_ids: [52, 9],
  recent_disputes: [752, 35],
  refund_for_documents: [787, 80],
  refund_lines: [503, 25],
  refunds_of_transaction: [255, 16],
  return_for_documents: [2892, 215],
  return_labels: [2034, 128],
  segment_members: [252, 13],
  segment_members_prepare: [10, 10],
  segment_members_prepared: [1, 1],
  segment_membership: [2, 2],
  status_read: [2, 2],
  status_write: [10, 10],
  tags_add: [10, 10],
  variant_prices: [2, 2],
  webhook_subscribe: [10, 10],
  webhook_subscriptions: [202, 20],
};

/**
 * Dearer than a single query may be by the published rule, and a fraction of that by the one that explains the
 * recorded costs. A shop that refuses them answers MAX_COST_EXCEEDED, and the work waits.
 */
const DEARER = ['customer_payments', 'customer_purchases', 'return_for_documents', 'return_labels'];

/** What a single query may cost. */
const MOST = 1000;

describe('what operations cost', () => {
  const sizes = JSON.parse(readFileSync(join(documents, 'page-sizes.json'), 'utf8')) as Record<string, Variables>;
  const names = files.map((file) => file.replace('.graphql', ''));
  // a bulk operation runs on a budget of its own
  const counted = names.filter((name) => !name.startsWith('bulk_statement'));
  const found = () =>
    Object.fromEntries(
      counted.map((name) => {
        const text = readFileSync(join(documents, `${name}.graphql`), 'utf8');
        return [name, costs(schema, text, sizes[name] ?? {})] as const;
      }),
    );

  test('is known', () => assert.deepEqual(found(), COSTS));

  test('is allowed', () => {
    const over = (rule: 0 | 1) => counted.filter((name) => (found()[name]?.[rule] ?? 0) > MOST);
    assert.deepEqual(over(1), []);
    assert.deepEqual(over(0), DEARER);
  });

  test('would not be with larger pages, where a page is not the largest there is', () => {
    for (const [name, size] of Object.entries(sizes)) {
      const first = Number(size['first']);
      if (Number.isNaN(first) || first === 250 || DEARER.includes(name)) continue;
      const text = readFileSync(join(documents, `${name}.graphql`), 'utf8');
      const [published] = costs(schema, text, { ...size, first: Math.min(250, first + 10) });
      assert.ok(published > MOST, `${name}: ${published}`);
    }
  });
});
