// What each role may do, action by action: a grant that a construct or a change adds fails here.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arn, only, synthesize } from './support.ts';

const { template } = synthesize();
const id = (type: string, name: string) => only(template, type, name).logicalId;
const archive = id('AWS::S3::Bucket', 'StorageArchive');
const operations = id('AWS::S3::Bucket', 'StorageOperations');
const table = id('AWS::DynamoDB::Table', 'StorageLedger');

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

function statements(name: string): Statement[] {
  const role = only(template, 'AWS::IAM::Role', `${name}Role`).Properties;
  assert.equal(role.ManagedPolicyArns, undefined);
  assert.equal(role.Policies.length, 1);
  return role.Policies[0].PolicyDocument.Statement;
}

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const below = (bucket: string, key: string) => ({
  'Fn::Join': ['', [{ 'Fn::GetAtt': [bucket, 'Arn'] }, `/${key}`]],
});

/** The resources, as text, that an action is allowed on. */
function allowed(name: string): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const statement of statements(name)) {
    for (const action of list(statement.Action)) {
      const resources = list(statement.Resource).map((resource) => JSON.stringify(resource));
      result.set(action, [...(result.get(action) ?? []), ...resources]);
    }
  }
  return result;
}

const CONSUME = [
  'sqs:ReceiveMessage',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:ChangeMessageVisibility',
];
const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const EXPECTED: Record<string, string[]> = {
  Intake: [...LOG, 'sqs:SendMessage', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
  OrderConfirmation: [
    ...LOG,
    ...CONSUME,
    'sqs:SendMessage',
    'dynamodb:GetItem',
    'dynamodb:UpdateItem',
    'dynamodb:Query',
    's3:GetObject',
    's3:GetObjectRetention',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:PutObject',
    's3:PutObjectRetention',
    'kms:Decrypt',
    'kms:GenerateDataKey',
    'secretsmanager:GetSecretValue',
  ],
  WriteBack: [
    ...LOG,
    ...CONSUME,
    'dynamodb:UpdateItem',
    's3:GetObject',
    's3:ListBucket',
    'secretsmanager:GetSecretValue',
  ],
};

for (const [name, actions] of Object.entries(EXPECTED)) {
  describe(`role of ${name}`, () => {
    test('has exactly these actions', () => {
      assert.deepEqual([...allowed(name).keys()].sort(), [...actions].sort());
    });

    test('only allows, and has no wildcard as an action or as a whole resource', () => {
      for (const statement of statements(name)) {
        assert.equal(statement.Effect, 'Allow');
        for (const action of list(statement.Action)) assert.doesNotMatch(action, /\*/);
        for (const resource of list(statement.Resource)) assert.notEqual(resource, '*');
      }
    });

    test('lists the operations bucket only below the keys it reads', () => {
      const reads = name === 'OrderConfirmation' ? ['config/*', 'work/*', 'spool/*'] : ['config/*'];
      const lists = statements(name).filter(
        ({ Action, Resource }) => Action === 's3:ListBucket' && JSON.stringify(Resource).includes(operations),
      );
      assert.equal(lists.length, 1);
      assert.deepEqual(lists[0]?.Condition, { StringLikeIfExists: { 's3:prefix': reads } });
    });
  });
}

test('each function writes where it has to and nowhere else', () => {
  const writes = (name: string) => allowed(name).get('s3:PutObject')?.sort();
  assert.deepEqual(writes('Intake'), [JSON.stringify(below(operations, 'work/*'))]);
  assert.deepEqual(
    writes('OrderConfirmation'),
    [below(archive, '*'), below(operations, 'spool/*')].map((it) => JSON.stringify(it)).sort(),
  );
  assert.equal(writes('WriteBack'), undefined);
});

test('each function sends to the queues behind it', () => {
  const queues = (...names: string[]) =>
    names.map((name) => JSON.stringify(arn(only(template, 'AWS::SQS::Queue', name)))).sort();
  assert.deepEqual(
    allowed('Intake').get('sqs:SendMessage')?.sort(),
    queues('OrderConfirmationQueue', 'IntakeDeadLetters'),
  );
  assert.deepEqual(allowed('OrderConfirmation').get('sqs:SendMessage'), queues('WriteBackQueue'));
  assert.deepEqual(allowed('OrderConfirmation').get('sqs:ReceiveMessage'), queues('OrderConfirmationQueue'));
  assert.deepEqual(allowed('WriteBack').get('sqs:ReceiveMessage'), queues('WriteBackQueue'));
});

test('the ledger is queried by its index, and write-back only updates', () => {
  assert.deepEqual(allowed('OrderConfirmation').get('dynamodb:Query'), [
    JSON.stringify(below(table, 'index/by-order')),
  ]);
  assert.deepEqual(allowed('WriteBack').get('dynamodb:UpdateItem'), [
    JSON.stringify(arn({ logicalId: table })),
  ]);
});

test('secrets are those of shops, and the pseudonym key where pseudonyms are made', () => {
  const shops = /:secret:shopify-exstream\/shop\/\*/;
  const [writeBack, ...more] = allowed('WriteBack').get('secretsmanager:GetSecretValue') ?? [];
  assert.match(writeBack ?? '', shops);
  assert.deepEqual(more, []);
  const [first, second] = allowed('OrderConfirmation').get('secretsmanager:GetSecretValue') ?? [];
  assert.match(first ?? '', shops);
  assert.equal(second, JSON.stringify({ Ref: id('AWS::SecretsManager::Secret', 'StorageCustomerKey') }));
});
