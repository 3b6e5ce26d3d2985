// Every query and mutation that the functions send, against the Admin API's own schema. The schema of the pinned
// version comes with an npm package, so a field that does not exist is found here and not by a shop.

import { buildClientSchema, parse, validate, type OperationDefinitionNode } from 'graphql';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

const ADMIN_API_VERSION = '2026-10';
const schemaFile = resolve(
  __dirname,
  `../node_modules/@shopify/dev-mcp/dist/data/admin_${ADMIN_API_VERSION}.json.gz`,
);
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
  return validate(schema, parse(text)).map(
    ({ message, locations }) => `line ${locations?.[0]?.line}: ${message}`,
  );
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
        assert.ok(
          name !== undefined,
          "an operation needs a name, or Shopify's logs cannot tell it from others",
        );
        assert.deepEqual(problems(text), []);
      });
    }
    test('is sent as one operation', () => assert.ok(operations.length <= 1));
  });
}
