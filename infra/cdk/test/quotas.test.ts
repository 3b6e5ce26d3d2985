// What a deployment takes of an account, computed; `UPDATE_CONTRACTS=1 npm test` writes the table in docs/deployment.md.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concurrency, PACKAGE_MB, QUOTAS } from '../lib/quotas.ts';
import { synthesize } from './support.ts';

const ROOT = join(__dirname, '../../..');
const PAGE = join(ROOT, 'docs/deployment.md');
const { template, templates } = synthesize();
const resources: any[] = Object.values(template.toJSON().Resources);
const largest = (part: 'Resources' | 'Outputs') =>
  Math.max(...Object.values(templates).map((one) => Object.keys(one.toJSON()[part]).length));
const counted = {
  count: (type: string) => resources.filter(({ Type }) => Type === type).length,
  resources: largest('Resources'),
  outputs: largest('Outputs'),
};
const number = (value: number) => value.toLocaleString('en-US');

test('all quotas but concurrency are met by a new account', () => {
  for (const { service, name, available, needed } of QUOTAS) {
    const met = needed(counted) <= available;
    assert.equal(met, name !== 'concurrent executions', `${service} ${name}: ${needed(counted)} of ${available}`);
  }
});

test('no package is larger than what is counted for it', () => {
  const limit = /^SIZE_LIMIT = (\d+) \* 1024 \* 1024$/m.exec(
    readFileSync(join(ROOT, 'infra/local/packages.py'), 'utf8'),
  );
  assert.equal(Number(limit?.[1]), PACKAGE_MB);
});

test('concurrency is what the template lets run at once', () => {
  const mappings = resources.filter(({ Properties }) => Properties?.ScalingConfig !== undefined);
  const bound = mappings.reduce((sum, { Properties }) => sum + Properties.ScalingConfig.MaximumConcurrency, 0);
  // one that sends a message starts nothing of its own
  const invoking = resources.filter(
    ({ Type, Properties }) =>
      Type === 'AWS::Scheduler::Schedule' && /Live[0-9A-F]{8}"/.test(JSON.stringify(Properties)),
  );
  assert.ok(invoking.length > 2);
  assert.equal(concurrency(), bound + invoking.length);
});

test('the manual lists them', () => {
  const rows = QUOTAS.map(
    ({ service, name, available, note, needed, source }) =>
      `| [${service}](${source}) | ${name} | ${number(needed(counted))} | ${number(available)}${note ? `; ${note}` : ''} |`,
  );
  const head = '| service | quota | this deployment, by default | a new account has |\n| --- | --- | --- | --- |';
  const table = `\n${[head, ...rows].join('\n')}\n\n`;
  const page = readFileSync(PAGE, 'utf8');
  const pattern = /(<!-- generated: quotas.*-->\n)[^]*?(<!-- end: quotas -->)/;
  if (process.env.UPDATE_CONTRACTS !== undefined) writeFileSync(PAGE, page.replace(pattern, `$1${table}$2`));
  else assert.ok(page.includes(table), 'UPDATE_CONTRACTS=1 npm test');
});
