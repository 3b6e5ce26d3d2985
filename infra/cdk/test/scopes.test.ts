// The table of Admin API scopes in docs/deployment.md: every field that is asked for, every topic and every write is
// covered by it, and no scope is asked of a shop for nothing. Which scopes a field or a type needs is Shopify's own
// table, which comes with the schema; which a topic needs is in the topic's description.

import { buildClientSchema, getNamedType, isEnumType, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

const repository = resolve(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

const shopify = JSON.parse(
  gunzipSync(
    readFileSync(resolve(__dirname, '../node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz')),
  ).toString('utf8'),
);
const schema = buildClientSchema(shopify.data, { assumeValid: true });

/** What somebody needs, and one of which scopes gives it. */
interface Need {
  readonly what: string;
  readonly anyOf: readonly string[];
}

interface Access {
  readonly typeName: string;
  readonly fieldName?: string;
  readonly offlineScopes?: readonly string[];
}
const access = new Map<string, readonly string[]>(
  (shopify.offline_scopes.items as Access[]).map(({ typeName, fieldName, offlineScopes }) => [
    fieldName === undefined ? typeName : `${typeName}.${fieldName}`,
    offlineScopes ?? [],
  ]),
);

/** A field or a type that needs no scope is in the table, too: one that is not is unknown. */
function needOf(name: string): Need[] {
  const anyOf = access.get(name) ?? [];
  return anyOf.length === 0 ? [] : [{ what: name, anyOf }];
}

/** The fields and types that an operation asks for. */
function selected(text: string): Need[] {
  const info = new TypeInfo(schema);
  const needs = new Map<string, Need>();
  const add = (name: string): void => needOf(name).forEach((need) => needs.set(name, need));
  const type = (): void => {
    const named = getNamedType(info.getType());
    if (named) add(named.name);
  };
  visit(
    parse(text),
    visitWithTypeInfo(info, {
      Field(node) {
        add(`${info.getParentType()?.name}.${node.name.value}`);
        type();
      },
      InlineFragment: type,
      FragmentDefinition: type,
    }),
  );
  return [...needs.values()];
}

const operations = readdirSync(join(repository, 'shared/shopify/graphql'))
  .filter((name) => name.endsWith('.graphql'))
  .sort();

/** The topics that intake knows a document of. */
function topics(): Need[] {
  const all = schema.getType('WebhookSubscriptionTopic');
  assert.ok(isEnumType(all));
  const route = read('functions/intake/src/route.rs');
  const begin = route.indexOf('pub fn flow');
  const flows = route.slice(begin, route.indexOf('_ =>', begin));
  const named = [...flows.matchAll(/"([a-z_]+[./][a-z_]+)"/g)].map(([, topic]) => topic ?? '');
  assert.ok(named.length > 10, 'the table of topics was not found in functions/intake/src/route.rs');
  return named.map((topic) => {
    const value = all.getValue(topic.toUpperCase().replace(/[./]/, '_'));
    const description = value?.description ?? '';
    const scopes = description.slice(description.indexOf('Requires')).match(/(?:read|write)_\w+/g);
    assert.ok(scopes, `${topic}: Shopify names no scope`);
    return { what: topic, anyOf: scopes };
  });
}

/** A report is written to a metafield: the scope is that of changing the resource. */
const writes = ['orderUpdate', 'customerUpdate', 'companyLocationUpdate'].flatMap((name) => needOf(`Mutation.${name}`));

/** What no field's description tells. */
const others: Need[] = [{ what: 'orders older than 60 days', anyOf: ['read_all_orders'] }];

/** The scopes in the table of docs/deployment.md. */
const documented = ((): Set<string> => {
  const page = read('docs/deployment.md');
  const begin = page.indexOf('Admin API scopes:');
  assert.notEqual(begin, -1, "docs/deployment.md has no 'Admin API scopes:'");
  const rows = page.slice(begin).split('\n\n')[1]?.split('\n') ?? [];
  const scopes = rows.flatMap((row) => row.split('|')[2]?.match(/(?:read|write)_\w+/g) ?? []);
  assert.ok(scopes.length > 5, 'the table of scopes was not found');
  return new Set(scopes);
})();

const isCovered = ({ anyOf }: Need): boolean => anyOf.some((scope) => documented.has(scope));

function uncovered(needs: readonly Need[]): string[] {
  return needs.filter((need) => !isCovered(need)).map(({ what, anyOf }) => `${what} needs ${anyOf.join(' or ')}`);
}

describe('the documented scopes', () => {
  for (const file of operations) {
    test(`are enough for ${file}`, () => {
      assert.deepEqual(uncovered(selected(read(`shared/shopify/graphql/${file}`))), []);
    });
  }

  test('are enough for the topics', () => assert.deepEqual(uncovered(topics()), []));

  test('are enough for the reports', () => {
    assert.equal(writes.length, 3);
    assert.deepEqual(uncovered(writes), []);
  });

  test('are all needed', () => {
    const reads = operations.flatMap((file) => selected(read(`shared/shopify/graphql/${file}`)));
    const needs = [...reads, ...topics(), ...writes, ...others];
    const needed = needs.map(({ anyOf }) => anyOf.filter((scope) => documented.has(scope)));
    // one that is never the only one to give something could be left out
    const alone = new Set(needed.filter(({ length }) => length === 1).flat());
    // of those that the page offers as alternatives, each is needed where nothing else gives something
    const alternatives = new Set(needed.filter((all) => !all.some((scope) => alone.has(scope))).flat());
    assert.deepEqual(
      [...documented].filter((scope) => !alone.has(scope) && !alternatives.has(scope)),
      [],
    );
  });

  test('are missed where a field needs one that is not there', () => {
    const text = 'query Stock { location { inventoryLevels(first: 1) { nodes { id } } } }';
    assert.deepEqual(uncovered(selected(text)).sort(), [
      'InventoryLevel needs read_inventory',
      'Location needs read_locations or read_inventory or read_markets_home',
      'Location.inventoryLevels needs read_locations',
    ]);
  });
});
