// cfn-lint and checkov read the template as it is deployed. What they find is an exception with a reason, or fails; an
// exception that nothing is found for any more fails too. `local.py install` puts the commands into `.local/.lint-venv`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CFN_LINT, CHECKOV, type LinterException } from '../lib/exceptions.ts';
import { only, synthesize } from './support.ts';

const COMMANDS = join(__dirname, '../../../.local/.lint-venv/bin');
const SECONDS = 300;

interface Finding {
  readonly file: string;
  readonly id: string;
  /** Logical id. */
  readonly resource: string;
  readonly what: string;
}

const folder = mkdtempSync(join(tmpdir(), 'cdk-lint-'));
after(() => rmSync(folder, { recursive: true }));

const { template, templates } = synthesize();
const file = (name: string, content: object): string => {
  const path = join(folder, `${name}.template.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
const good = Object.entries(templates).map(([name, one]) => file(name, one.toJSON()));

/** The template with a bucket that anybody may make public, and a time-out that Lambda does not have. */
const broken = file('broken', spoiled());

function spoiled(): object {
  const json = structuredClone(template.toJSON());
  const bucket = only(template, 'AWS::S3::Bucket', 'StorageArchive').logicalId;
  delete json.Resources[bucket].Properties.PublicAccessBlockConfiguration;
  const intake = only(template, 'AWS::Lambda::Function', 'IntakeFunction').logicalId;
  json.Resources[intake].Properties.Timeout = 1000;
  return json;
}

function output(command: string, args: string[]): Promise<string> {
  const options = { timeout: SECONDS * 1000, maxBuffer: 64 * 1024 * 1024, cwd: folder };
  return new Promise((resolve, reject) => {
    // both exit with a status of their own if they find anything
    execFile(join(COMMANDS, command), args, options, (error, stdout, stderr) => {
      if (error !== null && (error.killed === true || typeof error.code !== 'number')) reject(error);
      else if (stdout.trim() === '') reject(new Error(`${command} says nothing: ${stderr}`));
      else resolve(stdout);
    });
  });
}

async function cfnLint(): Promise<Finding[]> {
  const args = ['--format', 'json', '--include-checks', 'W', '--', ...good, broken];
  return JSON.parse(await output('cfn-lint', args)).map(({ Filename, Rule, Location, Message }: any) => ({
    file: Filename,
    id: Rule.Id,
    resource: String(Location.Path?.[1] ?? ''),
    what: Message,
  }));
}

async function checkov(): Promise<Finding[]> {
  const args = ['--framework', 'cloudformation', '--compact', '--quiet', '--skip-download', '--output', 'json'];
  const { results, summary } = JSON.parse(await output('checkov', [...args, '--file', ...good, broken]));
  assert.equal(summary.parsing_errors, 0);
  assert.ok(summary.passed > 100, 'it has looked at the template');
  return results.failed_checks.map(({ file_abs_path, check_id, check_name, resource }: any) => ({
    file: file_abs_path,
    id: check_id,
    resource: resource.split('.').at(-1),
    what: check_name,
  }));
}

const excused = (finding: Finding, exceptions: readonly LinterException[]) =>
  exceptions.find(({ id, on }) => id === finding.id && on.test(finding.resource));

for (const [name, lint, exceptions, expected] of [
  ['cfn-lint', cfnLint, CFN_LINT, ['E3717']],
  ['checkov', checkov, CHECKOV, ['CKV_AWS_53', 'CKV_AWS_54', 'CKV_AWS_55', 'CKV_AWS_56']],
] as const) {
  const findings = lint();

  test(`${name} finds nothing that has no reason, and no reason is left over`, async () => {
    const found = (await findings).filter(({ file }) => good.includes(file));
    assert.deepEqual(
      found.filter((finding) => excused(finding, exceptions) === undefined),
      [],
    );
    const used = new Set(found.map((finding) => excused(finding, exceptions)));
    assert.deepEqual(
      exceptions.filter((exception) => !used.has(exception)),
      [],
    );
    for (const { id, reason } of exceptions) assert.ok(reason.length > 20, id);
  });

  test(`${name} finds what is wrong with a template`, async () => {
    const found = (await findings).filter(({ file }) => file === broken);
    const left = found.filter((finding) => excused(finding, exceptions) === undefined);
    assert.deepEqual([...new Set(left.map(({ id }) => id))].sort(), expected);
  });
}
