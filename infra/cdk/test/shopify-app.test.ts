// What the Shopify app says of the Admin API: the question of its extension, the topics it subscribes to and the resources
// whose metafield it defines, against Shopify's schema.

import { buildClientSchema, isEnumType, parse, validate } from 'graphql';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { API_VERSION, DOCUMENTS, OWNERS, PRIVACY_TOPICS, topics } from '../../shopify-app/lib/app.ts';
import { QUERY } from '../../shopify-app/extensions/documents/src/metafield.ts';

const schemaOf = (version: string) => {
  const file = resolve(__dirname, `../node_modules/@shopify/dev-mcp/dist/data/admin_${version}.json.gz`);
  return buildClientSchema(JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')).data, { assumeValid: true });
};
const schema = schemaOf(API_VERSION);

/** The values of an enum. */
function values(name: string): string[] {
  const type = schema.getType(name);
  assert.ok(isEnumType(type));
  return type.getValues().map((value) => value.name);
}

describe('the Shopify app', () => {
  test('asks a question that Shopify understands, in the version of the extension', () => {
    const toml = resolve(__dirname, '../../shopify-app/extensions/documents/shopify.extension.toml');
    const [, version = ''] = /^api_version = "([\d-]+)"$/m.exec(readFileSync(toml, 'utf8')) ?? [];
    assert.deepEqual(validate(schemaOf(version), parse(QUERY)), []);
    assert.notDeepEqual(validate(schemaOf(version), parse(QUERY.replace('value', 'valeu'))), []);
  });

  test('subscribes to topics that there are', () => {
    const known = values('WebhookSubscriptionTopic');
    const all = topics({ documents: new Set(DOCUMENTS), subscriptions: true });
    assert.ok(all.length > 15);
    const named = all.map((topic) => topic.toUpperCase().replace(/[./]/, '_'));
    assert.deepEqual(
      named.filter((topic) => !known.includes(topic)),
      [],
    );
    // mandatory ones are subscribed to by the configuration alone
    assert.deepEqual(
      PRIVACY_TOPICS.filter((topic) => known.includes(topic.toUpperCase().replace('/', '_'))),
      [],
    );
  });

  test('defines its metafield for resources that can have one', () => {
    const known = values('MetafieldOwnerType').map((name) => name.toLowerCase());
    assert.deepEqual(
      OWNERS.filter((owner) => !known.includes(owner)),
      [],
    );
  });
});
