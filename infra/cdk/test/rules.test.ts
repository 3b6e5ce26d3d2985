// The rules of AwsSolutions, Serverless and NIST 800-53 R5 hold, and they are really asked: a finding without a reason stops the synthesis.

import { type App, Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GROUPED, NO_TOPIC } from '../lib/exceptions.ts';
import { check, PACKS } from './nag.ts';
import { synthesize } from './support.ts';

test('the stacks pass, as it is deployed in AWS and locally', () => {
  process.env.CDK_VALIDATION = 'true';
  const trusted = 'arn:aws:iam::111122223333:role/Ops';
  const trust = { trustOperator: trusted, trustAuditor: trusted, trustSupport: trusted, trustRecords: trusted };
  synthesize({ ...trust, '@aws-cdk/core:validateAgainstDefaultRules': 'true' }, check);
  process.env.CDK_VALIDATION = 'false';
  const endpointUrl = 'http://127.0.0.1:4566';
  synthesize({ createBus: 'true', destroyable: 'true', endpointUrl, architecture: 'x86_64' }, check);
});

test('the rule on alarm actions is excused only where an alarm notifies nobody by itself', () => {
  const topic = 'arn:aws:sns:eu-west-1:111111111111:operations';
  const excuses = (context: Record<string, string>) => {
    const { app } = synthesize({ alarmTopic: topic, ...context }, check);
    return JSON.stringify(app.node.findAll().map(({ node }) => node.metadata));
  };
  assert.ok(!excuses({ alarmNotify: 'each' }).includes(NO_TOPIC.id));
  assert.ok(excuses({}).includes(GROUPED.reason) && !excuses({}).includes(NO_TOPIC.reason));
});

for (const [name, Pack] of Object.entries(PACKS)) {
  test(`what ${name} is against does not pass`, () => {
    const spoil = (app: App) => {
      Validations.of(app).addPlugins(new Pack(app));
      const spoiled = new Stack(app, 'Spoiled');
      new Bucket(spoiled, 'Plain');
      new Queue(spoiled, 'Plainer');
    };
    assert.throws(() => synthesize({}, spoil), /Validation failed/);
  });
}

test('the feature flags are those that CDK recommends', () => {
  const { context } = JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8'));
  const recommended = JSON.parse(readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8'));
  assert.deepEqual(context, recommended);
});

test('what Python packages there are is pinned', () => {
  for (const file of ['lint-requirements.txt', 'packaging-requirements.txt']) {
    const lines = readFileSync(join(__dirname, '..', file), 'utf8').split('\n');
    const packages = lines.filter((line) => line !== '' && !line.startsWith('#'));
    assert.ok(packages.length > 1, file);
    for (const line of packages) assert.match(line, /^[\w.-]+==[\w.]+$/, file);
  }
});

test('every exception is known and has a reason', () => {
  const trusted = 'arn:aws:iam::111122223333:role/Ops';
  const trust = { trustOperator: trusted, trustAuditor: trusted, trustSupport: trusted, trustRecords: trusted };
  const { app } = synthesize(trust);
  const reasons = app.node
    .findAll()
    .flatMap((construct) =>
      construct.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.entries(data as Record<string, string>)),
    );
  const rules = new Set(reasons.map(([id]) => id.replace(/^Annotation::/, '').replace(/\[.*/, '')));
  assert.deepEqual([...rules].sort(), [
    'AwsSolutions-APIG4',
    'AwsSolutions-COG3',
    'AwsSolutions-COG8',
    'AwsSolutions-DDB3',
    'AwsSolutions-IAM5',
    'AwsSolutions-S1',
    'AwsSolutions-SMG4',
    'AwsSolutions-SQS3',
    // CDK's own, about sizes in lifecycle rules that it writes as numbers
    'CloudFormation-Validate::W9003',
    'NIST.800.53.R5-CloudWatchAlarmAction',
    'NIST.800.53.R5-CloudWatchLogGroupEncrypted',
    'NIST.800.53.R5-DynamoDBInBackupPlan',
    'NIST.800.53.R5-DynamoDBPITREnabled',
    'NIST.800.53.R5-IAMNoInlinePolicy',
    'NIST.800.53.R5-LambdaConcurrency',
    'NIST.800.53.R5-LambdaDLQ',
    'NIST.800.53.R5-LambdaInsideVPC',
    'NIST.800.53.R5-S3BucketReplicationEnabled',
    'NIST.800.53.R5-S3DefaultEncryptionKMS',
    'NIST.800.53.R5-SecretsManagerRotationEnabled',
    'NIST.800.53.R5-SecretsManagerUsingKMSKey',
    'Serverless-LambdaAsyncFailureDestination',
    'Serverless-LambdaDLQ',
    'Serverless-LambdaEventSourceMappingDestination',
    'Serverless-LambdaStarPermissions',
    'Serverless-LambdaTracing',
    'Serverless-SQSRedrivePolicy',
  ]);
  for (const [id, reason] of reasons) assert.ok(reason.length > 20, `${id} is excused without a reason`);
  const patterns = reasons.map(([id]) => id).filter((id) => id.includes('IAM5'));
  // actions that take no resource: listing schedules and mappings, looking at alarms and metrics
  const whole = patterns.filter((id) => id.endsWith('[Resource::*]'));
  assert.equal(whole.length, 4);
  const others = patterns.filter((id) => !whole.includes(id));
  // a pattern is excused one by one, never the rule as a whole
  const known =
    /(\/\*(\/record\.json|\/token-\*|\/document\*|\/fact-\*\.json)?|\/app-secrets-\*|:event-source-mapping:\*)\]$/;
  assert.deepEqual(
    others.filter((id) => !known.test(id)),
    [],
  );
});
