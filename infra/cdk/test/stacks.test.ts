// What is kept, and what works on it: two stacks, of which the second can go without the first.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { adoption } from '../lib/adopt.ts';
import { readOutputs } from '../lib/outputs.ts';
import { BETWEEN_STACKS, only, synthesize } from './support.ts';

const COPIES = {
  copyAccount: '222222222222',
  copyBucket: 'exstream-copies',
  copyKey: 'arn:aws:kms:eu-central-1:222222222222:key/0a1b',
  backupDays: '35',
};
const { stacks, templates } = synthesize(COPIES);
const [data, compute] = ['shopify-exstream-data', 'shopify-exstream'].map((name) => templates[name]?.toJSON() as any);

test('the stack of the data has everything that holds something, and nothing that runs', () => {
  const types = (template: any) => [...new Set(Object.values<any>(template.Resources).map(({ Type }) => Type))].sort();
  assert.deepEqual(types(data), [
    'AWS::Backup::BackupPlan',
    'AWS::Backup::BackupSelection',
    'AWS::Backup::BackupVault',
    'AWS::DynamoDB::Table',
    // of the second copy and the backups
    'AWS::IAM::Policy',
    'AWS::IAM::Role',
    'AWS::KMS::Key',
    'AWS::S3::Bucket',
    'AWS::S3::BucketPolicy',
    'AWS::SQS::Queue',
    'AWS::SQS::QueuePolicy',
    'AWS::SecretsManager::Secret',
  ]);
  for (const [id, resource] of Object.entries<any>(compute.Resources)) {
    if (resource.Type === 'AWS::Lambda::Version') continue;
    assert.ok((resource.DeletionPolicy ?? 'Delete') === 'Delete', `${id} would stay`);
  }
});

test('nothing of the data refers to what works on it, which is deployed afterwards', () => {
  assert.doesNotMatch(JSON.stringify(data), /Fn::GetStackOutput|Fn::ImportValue/);
  assert.deepEqual(
    stacks.map((stack) => stack.dependencies.map(({ stackName }) => stackName)),
    [[], ['shopify-exstream-data']],
  );
});

test('what people read of the outputs is enough to adopt all of it', () => {
  const outputs = Object.keys(data.Outputs).filter((name) => !name.startsWith(BETWEEN_STACKS));
  const found = adoption(data, Object.fromEntries(outputs.map((name) => [name, `id-of-${name}`])));
  const kept = Object.entries<any>(data.Resources).filter(([, { DeletionPolicy }]) => DeletionPolicy !== undefined);
  assert.deepEqual(Object.keys(found).sort(), kept.map(([id]) => id).sort());
  for (const identifier of Object.values(found)) assert.match(JSON.stringify(identifier), /id-of-(?!Publish)/);
});

test('the queue of lost events lets the rule in that the other stack makes', () => {
  const arnOf = (context: Record<string, string>, prefix: string) => {
    const { template } = synthesize(context);
    const rule = only(template, 'AWS::Events::Rule', 'Webhooks').Properties;
    const policy = only(template, 'AWS::SQS::QueuePolicy', 'IntakeDeadLettersPolicy').Properties.PolicyDocument;
    const statement = policy.Statement.find(({ Sid }: any) => Sid === 'TakeUndeliveredEvents');
    assert.deepEqual([statement.Action, statement.Principal], ['sqs:SendMessage', { Service: 'events.amazonaws.com' }]);
    assert.equal(rule.Name, `${prefix}-webhooks`);
    return JSON.stringify(statement.Condition.ArnEquals['aws:SourceArn']);
  };
  const partner = 'aws.partner/shopify.com/123/main';
  assert.ok(arnOf({ eventBus: partner }, 'shopify-exstream').includes(`:rule/${partner}/shopify-exstream-webhooks"`));
  assert.ok(arnOf({ createBus: 'true', prefix: 'p' }, 'p').includes(':rule/p/p-webhooks"'));
  // a rule of the default bus is named without it
  assert.ok(arnOf({ eventBus: 'default' }, 'shopify-exstream').includes(':rule/shopify-exstream-webhooks"'));
});

test('both fit into CloudFormation’s limits, with everything that context can add', () => {
  const trusted = 'arn:aws:iam::111122223333:role/Ops';
  const { templates: largest } = synthesize({
    ...COPIES,
    vpc: 'create',
    trustOperator: trusted,
    trustAuditor: trusted,
    trustSupport: trusted,
    trustRecords: trusted,
  });
  for (const [name, template] of Object.entries(largest)) {
    const json = template.toJSON();
    assert.ok(Object.keys(json.Resources).length <= 450, `${name}: ${Object.keys(json.Resources).length} resources`);
    assert.ok(Object.keys(json.Outputs).length <= 180, `${name}: ${Object.keys(json.Outputs).length} outputs`);
    assert.ok(JSON.stringify(json).length < 900_000, `${name}: ${JSON.stringify(json).length} bytes`);
  }
});

const folder = mkdtempSync(join(tmpdir(), 'cdk-outputs-'));
after(() => rmSync(folder, { recursive: true }));

test('an outputs file is that of one deployment', () => {
  const read = (content: object) => {
    const file = join(folder, 'stack.json');
    writeFileSync(file, JSON.stringify(content));
    return readOutputs(file);
  };
  assert.deepEqual(read({ 'a-data': { x: '1' }, a: { y: '2' } }), { x: '1', y: '2' });
  assert.deepEqual(read({ a: { y: '2' } }), { y: '2' });
  assert.throws(() => read({ a: {}, b: {} }), /one deployment, not of a, b/);
  assert.throws(() => read({}), /one deployment/);
  assert.throws(() => read({ a: {}, 'a-data': {}, c: {} }), /one deployment/);
  // what is between the stacks is named apart from what people read
  const named = Object.keys(data.Outputs).filter((name) => !name.startsWith(BETWEEN_STACKS));
  assert.ok(named.includes('TableName') && named.includes('QueueUrlWriteBack'));
});
