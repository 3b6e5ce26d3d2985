// What the manual says of the stack: every context key with its default and bounds, every metric, every environment variable;
// `runbook.test.ts` looks at alarms. `UPDATE_CONTRACTS=1 npm test` writes the bounds, time-outs and memory; the rest is written by hand and
// checked here.

import { App } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FUNCTIONS as functions } from '../lib/functions.ts';
import { readSettings } from '../lib/settings.ts';
import { FLOWS, FUNCTIONS, PARTNER_BUS, synthesize } from './support.ts';

const root = join(__dirname, '../../..');
const read = (page: string) => readFileSync(join(root, page), 'utf8');
const pascal = (name: string) => name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The rows of the table under a heading row, as cells. */
function table(page: string, head: string): string[][] {
  const begin = page.indexOf(head);
  assert.notEqual(begin, -1, `the table \`${head}\` was not found`);
  const rows = page.slice(begin).split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.map((row) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));
}

/** What is in code in a cell. */
const quoted = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? '');

/** Every key that is read, given some values. */
function keysRead(context: Record<string, string>): string[] {
  const app = new App({ context, analyticsReporting: false });
  const keys = new Set<string>();
  const node = {
    tryGetContext: (key: string): unknown => {
      keys.add(key);
      return app.node.tryGetContext(key);
    },
  };
  readSettings(node as unknown as Node);
  return [...keys];
}

const settings = (context: Record<string, string>) =>
  readSettings(new App({ context: { eventBus: PARTNER_BUS, ...context }, analyticsReporting: false }).node);

/** What a key takes, as its own error message says. */
function bounds(key: string): string {
  try {
    settings({ [key]: 'no such value' });
    return 'text';
  } catch (error) {
    const [, least, most] = /whole number from (\d+) to (\d+)/.exec(String(error)) ?? [];
    if (least !== undefined) return `${least} to ${most}`;
    const [, values] = /is none of (.*)$/.exec(String(error)) ?? [];
    return values === undefined
      ? 'text'
      : values
          .split(', ')
          .map((value) => `\`${value}\``)
          .join(', ');
  }
}

type Row = (typeof functions)[number];

/** The value that most functions have, and then the others with theirs. */
function defaults(value: (row: Row) => number): string {
  const names = new Map<number, string[]>();
  for (const row of functions) names.set(value(row), [...(names.get(value(row)) ?? []), pascal(row.name)]);
  const [usual, ...others] = [...names].sort(([a, some], [b, more]) => more.length - some.length || a - b);
  const named = others.sort(([a], [b]) => a - b).map(([other, of]) => `${and(of)} \`${other}\``);
  return [`\`${usual?.[0]}\``, ...named].join(', ');
}

const and = (names: string[]): string => names.map((name) => `\`${name}\``).join(' and ');

describe('the manual', () => {
  const context = table(read('docs/deployment.md'), '| context | default | values | meaning |');
  const names = new Map([
    ['<Flow>', FLOWS.map(pascal)],
    ['<Function>', FUNCTIONS.map(pascal)],
  ]);
  const spelt = (key: string): string[] => {
    const pattern = /<\w+>/.exec(key)?.[0];
    return pattern === undefined ? [key] : (names.get(pattern) ?? []).map((name) => key.replace(pattern, name));
  };

  test('has every context key, and no other', () => {
    const documented = context.flatMap(([keys]) => quoted(keys).flatMap(spelt));
    assert.deepEqual([...new Set(documented)].sort(), keysRead({ eventBus: PARTNER_BUS }).sort());
  });

  test('says the default of each context key', () => {
    for (const [keys, fallback] of context) {
      const defaults = quoted(fallback);
      const plain = quoted(keys).filter((key) => !key.includes('<'));
      if (plain.length !== defaults.length) continue;
      plain.forEach((key, index) => {
        assert.deepEqual(settings({ [key]: defaults[index] ?? '' }), settings({}), key);
      });
    }
  });

  test('says the time-out and memory of each function', () => {
    const page = read('docs/deployment.md');
    let written = page;
    for (const [key, value] of [
      ['timeout<Function>', (row: Row) => row.timeoutSeconds],
      ['memory<Function>', (row: Row) => row.memoryMegabytes],
    ] as const) {
      const [keys, fallback, values] = context.find(([keys]) => quoted(keys).includes(key)) ?? [];
      const row = (cell: string | undefined) => `| ${keys} | ${cell} | ${values} |`;
      if (process.env.UPDATE_CONTRACTS !== undefined) {
        written = written.replace(row(fallback), row(defaults(value)));
      } else {
        assert.equal(fallback, defaults(value), key);
      }
    }
    if (written !== page) writeFileSync(join(root, 'docs/deployment.md'), written);
  });

  test('says what each context key takes', () => {
    const page = read('docs/deployment.md');
    let written = page;
    for (const [keys, fallback, values, meaning] of context) {
      const [key] = quoted(keys).flatMap(spelt);
      assert.ok(key !== undefined);
      const row = (cell: string | undefined) => `| ${keys} | ${fallback} | ${cell} | ${meaning} |`;
      if (process.env.UPDATE_CONTRACTS !== undefined) {
        written = written.replace(row(values), row(bounds(key)));
      } else {
        assert.equal(values, bounds(key), key);
      }
    }
    if (written !== page) writeFileSync(join(root, 'docs/deployment.md'), written);
  });

  test('has every metric of the functions that an alarm watches', () => {
    const metrics = new Set(
      table(read('docs/operations.md'), '| metric | counted by |').flatMap(([name]) => quoted(name)),
    );
    const text = JSON.stringify(synthesize().template.toJSON());
    const watched = [...text.matchAll(/"MetricName":"(\w+)","Namespace":"ShopifyExstream"/g)];
    assert.ok(watched.length > 5, 'no alarm on a metric of the functions was found');
    assert.deepEqual(
      watched.map(([, name]) => name).filter((name) => !metrics.has(name ?? '')),
      [],
    );
  });

  test('has every environment variable', () => {
    const documented = table(read('docs/configuration.md'), '| variable | read by |').flatMap(([cell]) => quoted(cell));
    const set = Object.values(
      synthesize({ endpointUrl: 'http://127.0.0.1:4566' }).template.findResources('AWS::Lambda::Function'),
    ).flatMap(({ Properties }) => Object.keys(Properties.Environment?.Variables ?? {}));
    const folder = 'shared/service/src';
    const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((it) =>
      it.endsWith('.rs'),
    );
    const files = [...found.map((name) => `${folder}/${name}`), 'shared/flow/src/fault.rs'];
    const source = files.map(read);
    const asked = source.flatMap((text) =>
      [...text.matchAll(/(?:required|parsed|var)\("([A-Z_]+)"/g)].map(([, name]) => name ?? ''),
    );
    const known = (name: string) =>
      documented.includes(name) || (name.startsWith('QUEUE_URL_') && documented.includes('QUEUE_URL_<FLOW>'));
    assert.ok(set.length > 10 && asked.length > 5);
    assert.deepEqual(
      [...new Set([...set, ...asked])].filter((name) => !known(name)),
      [],
    );
  });
});
