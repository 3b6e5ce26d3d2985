import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FUNCTIONS, only, synthesize } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'cdk-packages-'));
after(() => rmSync(folder, { recursive: true }));

test('the zips of `make package` are deployed as they are, so that their hashes are those of the versions', () => {
  for (const name of FUNCTIONS) writeFileSync(join(folder, `${name}.zip`), `PK${name}`);
  const { template } = synthesize({ codeRoot: folder });
  const key = (name: string) => only(template, 'AWS::Lambda::Function', name).Properties.Code.S3Key;
  assert.match(key('IntakeFunction'), /^[0-9a-f]{64}\.zip$/);
  assert.notEqual(key('IntakeFunction'), key('ReconcileFunction'));
  // the same bytes are the same asset, wherever they are
  const elsewhere = mkdtempSync(join(tmpdir(), 'cdk-packages-'));
  cpSync(folder, elsewhere, { recursive: true });
  const again = synthesize({ codeRoot: elsewhere }).template;
  assert.equal(only(again, 'AWS::Lambda::Function', 'IntakeFunction').Properties.Code.S3Key, key('IntakeFunction'));
  rmSync(elsewhere, { recursive: true });
});
