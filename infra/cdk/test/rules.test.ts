// The AwsSolutions rules hold, and they are really asked: a finding without a reason stops the synthesis.

import { type App, Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesize } from './support.ts';

const check = (app: App) => Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

test('the stack passes, as it is deployed in AWS and locally', () => {
  process.env.CDK_VALIDATION = 'true';
  synthesize({ '@aws-cdk/core:validateAgainstDefaultRules': 'true' }, check);
  process.env.CDK_VALIDATION = 'false';
  const endpointUrl = 'http://127.0.0.1:4566';
  synthesize({ createBus: 'true', destroyable: 'true', endpointUrl, architecture: 'x86_64' }, check);
});

test('a bucket without the basics does not', () => {
  const spoil = (app: App) => {
    check(app);
    new Bucket(new Stack(app, 'Spoiled'), 'Plain');
  };
  assert.throws(() => synthesize({}, spoil), /Validation failed/);
});

test('the feature flags are those that CDK recommends', () => {
  const { context } = JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8'));
  const recommended = JSON.parse(
    readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8'),
  );
  assert.deepEqual(context, recommended);
});

test('every exception is known and has a reason', () => {
  const { stack } = synthesize();
  const reasons = stack.node
    .findAll()
    .flatMap((construct) =>
      construct.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.entries(data as Record<string, string>)),
    );
  const rules = new Set(reasons.map(([id]) => id.replace(/^Annotation::/, '').replace(/\[.*/, '')));
  assert.deepEqual([...rules].sort(), [
    'AwsSolutions-IAM5',
    'AwsSolutions-S1',
    'AwsSolutions-SMG4',
    'AwsSolutions-SQS3',
    // CDK's own, about sizes in lifecycle rules that it writes as numbers
    'CloudFormation-Validate::W9003',
  ]);
  for (const [id, reason] of reasons) assert.ok(reason.length > 20, `${id} is excused without a reason`);
  const patterns = reasons.map(([id]) => id).filter((id) => id.includes('IAM5'));
  assert.ok(
    patterns.every((id) => id.endsWith('/*]')),
    'a pattern is excused one by one, never the rule as a whole',
  );
});
