// The extensions of Shopify Flow, by the rules that the Shopify CLI 4.8.2 and Shopify's reference have for them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'smol-toml';

interface Field {
  type: string;
  key?: string;
  name?: string;
  description?: string;
  required?: boolean;
}

interface Extension {
  type: string;
  name: string;
  handle: string;
  description: string;
  runtime_url?: string;
}

const folder = join(import.meta.dirname, '../extensions');
const names = readdirSync(folder).filter((name) => name.startsWith('flow-'));

function read(name: string): { extension: Extension; fields: Field[] } {
  const file = parse(readFileSync(join(folder, name, 'shopify.extension.toml'), 'utf8'));
  assert.deepEqual(Object.keys(file), ['extensions', 'settings']);
  const extensions = file['extensions'] as unknown as Extension[];
  assert.equal(extensions.length, 1, 'Flow takes one per file');
  const { fields } = file['settings'] as unknown as { fields: Field[] };
  return { extension: extensions[0]!, fields };
}

const REFERENCES = ['customer_reference', 'order_reference', 'product_reference'];

describe('the extensions of Flow', () => {
  test('are an action and a trigger for each outcome', () => {
    const handles = names.map((name) => read(name).extension.handle).sort();
    assert.deepEqual(handles, ['document-bounced', 'document-delivered', 'document-failed', 'send-document']);
  });

  for (const name of names) {
    test(`${name} has the form that Shopify wants`, () => {
      const { extension, fields } = read(name);
      assert.match(extension.handle, /^[A-Za-z0-9-]{1,30}$/);
      assert.equal(`flow-${extension.handle}`, name);
      assert.match(extension.name, /^[A-Z][a-z]+( [a-z]+)*$/, 'sentence case without punctuation');
      assert.ok(extension.description.length > 0);
      const isAction = extension.type === 'flow_action';
      assert.ok(isAction || extension.type === 'flow_trigger');
      // one slash: two would begin another host
      if (isAction) assert.match(extension.runtime_url ?? '', /^\/[a-z]/);
      assert.equal(extension.runtime_url !== undefined, isAction);
      assert.equal(fields.filter(({ type }) => type === 'order_reference').length, 1);
      for (const field of fields) {
        const known = ['type', 'key', 'name', 'description', 'required'];
        assert.deepEqual(
          Object.keys(field).filter((key) => !known.includes(key)),
          [],
        );
        if (REFERENCES.includes(field.type)) {
          assert.equal(field.key, undefined, 'a reference has no key');
        } else if (isAction) {
          assert.ok(field.key && field.name && field.type === 'single_line_text_field');
        } else {
          assert.match(field.key ?? '', /^[A-Za-z ]+$/, 'a trigger takes letters and spaces');
          assert.equal(field.required, undefined, 'every field of a trigger is');
        }
      }
    });
  }
});
