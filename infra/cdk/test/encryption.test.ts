// Keys of the deployment's own: everything that can take one has it, and a role may use it as far as it may use what it encrypts.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { adoption } from '../lib/adopt.ts';
import { check } from './nag.ts';
import { arn, FLOWS, FUNCTIONS, idOf, only, synthesize } from './support.ts';

const trusted = 'arn:aws:iam::111122223333:role/Ops';
const { template } = synthesize(
  {
    customerManagedKeys: 'true',
    createBus: 'true',
    outcomeBus: '',
    createOutcomeBus: 'true',
    backupDays: '7',
    vpc: 'create',
    trustOperator: trusted,
    trustAuditor: trusted,
    trustSupport: trusted,
    trustRecords: trusted,
  },
  check,
);
const resources: [string, any][] = Object.entries(template.toJSON().Resources);
const dataKey = arn(only(template, 'AWS::KMS::Key', 'KeyOfData'));
const computeKey = arn(only(template, 'AWS::KMS::Key', 'KeyOfCompute'));

/** Where a resource of a type names its key. */
const KEY_OF: Readonly<Record<string, (properties: any) => unknown>> = {
  'AWS::Backup::BackupVault': (it) => it.EncryptionKeyArn,
  'AWS::DynamoDB::Table': (it) => it.SSESpecification?.KMSMasterKeyId,
  'AWS::Events::EventBus': (it) => it.KmsKeyIdentifier,
  'AWS::Lambda::Function': (it) => it.KmsKeyArn,
  'AWS::Logs::LogGroup': (it) => it.KmsKeyId,
  'AWS::S3::Bucket': (it) =>
    it.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.KMSMasterKeyID,
  'AWS::SQS::Queue': (it) => it.KmsMasterKeyId,
  'AWS::Scheduler::Schedule': (it) => it.KmsKeyArn,
  'AWS::SecretsManager::Secret': (it) => it.KmsKeyId,
};

/** What could name a key and does not, by type or logical id. */
const WITHOUT: readonly [RegExp, string][] = [
  [/^StorageAccessLogs/, 'S3 delivers access logs only to a bucket that a key of its own encrypts.'],
  [/^AWS::Lambda::EventSourceMapping$/, 'The key would encrypt its filter, which names states and no data.'],
  [/^AWS::Cognito::UserPool$/, 'The key is for triggers that send messages, of which there are none.'],
];

/** What CloudFormation knows of a type, as cfn-lint brings it. */
function schemas(): Readonly<Record<string, string>> {
  const lint = join(__dirname, '../../../.local/.lint-venv/lib');
  const python = readdirSync(lint).find((name) => name.startsWith('python')) ?? '';
  const folder = join(lint, python, 'site-packages/cfnlint/data/schemas');
  const index: Record<string, string> = JSON.parse(readFileSync(join(folder, 'providers/eu-west-1.json'), 'utf8'));
  const types = new Set(resources.map(([, { Type }]) => Type as string));
  return Object.fromEntries(
    [...types].map((type) => [type, readFileSync(join(folder, 'resources', `${index[type]}.json`), 'utf8')]),
  );
}

describe('everything that can take a key', () => {
  test('is known by CloudFormation’s own schema', () => {
    const takes = Object.entries(schemas())
      // the name of a property, such as `KmsKeyArn`, `KMSMasterKeyID` or `EncryptionKeyArn`
      .filter(([, schema]) => /"(\w*kms\w*key\w*|EncryptionKey\w*)":/i.test(schema))
      .map(([type]) => type);
    const excused = (type: string) => WITHOUT.some(([pattern]) => pattern.test(type));
    assert.deepEqual(takes.filter((type) => !excused(type)).sort(), Object.keys(KEY_OF).sort());
    assert.ok(takes.filter(excused).length > 0);
  });

  test('has a key of the deployment’s own, which rotates', () => {
    const keys = new Set<string>();
    for (const [id, { Type, Properties }] of resources) {
      const key = KEY_OF[Type]?.(Properties);
      if (KEY_OF[Type] === undefined || WITHOUT.some(([pattern]) => pattern.test(id))) continue;
      const [named] = (key as any)?.['Fn::GetAtt'] ?? [];
      assert.equal(
        template.toJSON().Resources[named]?.Type,
        'AWS::KMS::Key',
        `${id} has no key: ${JSON.stringify(key)}`,
      );
      keys.add(named);
    }
    for (const named of keys)
      assert.equal(template.toJSON().Resources[named].Properties.EnableKeyRotation, true, named);
    assert.equal(keys.size, 4, 'of the archive, of the data, of what works on it, of the backups');
  });

  test('and what cannot take one says why', () => {
    const [id, { Properties }] = resources.find(([id]) => id.startsWith('StorageAccessLogs')) as [string, any];
    assert.equal(KEY_OF['AWS::S3::Bucket']?.(Properties), undefined, id);
    const logged = (bucket: string) => only(template, 'AWS::S3::Bucket', bucket).Properties.LoggingConfiguration;
    for (const bucket of ['StorageArchive', 'StorageOperations']) {
      assert.deepEqual(logged(bucket).DestinationBucketName, { Ref: id });
    }
    // of the queues' data keys each serves for an hour
    for (const queue of Object.values<any>(template.findResources('AWS::SQS::Queue'))) {
      assert.equal(queue.Properties.KmsDataKeyReusePeriodSeconds, 3600);
    }
  });
});

test('without it, keys of AWS’s own encrypt', () => {
  const plain = synthesize().template;
  assert.equal(Object.keys(plain.findResources('AWS::KMS::Key')).length, 2, 'of the archive and of its logs');
  assert.doesNotMatch(JSON.stringify(plain.toJSON()), /kms:ViaService":"(sqs|dynamodb)|StorageAccessLogs/);
});

/** What a role may ask of a key, as `service action`. */
function uses(role: string, key: object): string[] {
  const found = only(template, 'AWS::IAM::Role', role)
    .Properties.Policies.flatMap(({ PolicyDocument }: any) => PolicyDocument.Statement)
    .filter(({ Resource }: any) => JSON.stringify(Resource) === JSON.stringify(key));
  return found
    .flatMap(({ Action, Condition }: any) => {
      const via = JSON.stringify(Condition?.StringEquals?.['kms:ViaService'] ?? '"anybody')
        .split('"')
        .find((it) => /^\w+\.?$/.test(it));
      return [Action].flat().map((action: string) => `${via?.replace('.', '')} ${action.replace('kms:', '')}`);
    })
    .sort();
}

const READ_TABLE = ['dynamodb Decrypt', 'dynamodb DescribeKey'];
const WRITE_TABLE = [
  ...READ_TABLE,
  'dynamodb Encrypt',
  'dynamodb GenerateDataKey',
  'dynamodb ReEncryptFrom',
  'dynamodb ReEncryptTo',
];
const WRITE = (service: string) => [`${service} Decrypt`, `${service} GenerateDataKey`];

describe('a role uses the key of the data', () => {
  for (const [role, expected] of [
    // reads configurations, writes large payloads, sends
    ['IntakeRole', [...WRITE('s3'), ...WRITE('sqs')]],
    ...FLOWS.map((flow) => [
      `${idOf(flow)}Role`,
      [...WRITE_TABLE, ...WRITE('s3'), 'secretsmanager Decrypt', ...WRITE('sqs')],
    ]),
    ['ReconcileRole', [...READ_TABLE, 's3 Decrypt', ...WRITE('secretsmanager'), ...WRITE('sqs')]],
    // no right on the operations bucket but to list it
    ['ArchiveSealRole', WRITE_TABLE],
    ['OutcomeEventsRole', [...READ_TABLE, ...WRITE('sqs')]],
    ['SchedulesRunRole', WRITE('sqs')],
    ['SchedulesFunctionRole', WRITE('sqs')],
    ['PeopleSupport', [...READ_TABLE, 'secretsmanager Decrypt']],
  ] as [string, string[]][]) {
    test(`${role}: as far as it uses what the key encrypts, and through that service`, () => {
      assert.deepEqual(uses(role, dataKey), [...expected].sort());
    });
  }
});

test('a function opens its own environment, and a schedule its own, with the other key', () => {
  for (const name of FUNCTIONS) assert.deepEqual(uses(`${idOf(name)}Role`, computeKey), ['lambda Decrypt'], name);
  assert.deepEqual(uses('SchedulesFunctionRole', computeKey), ['scheduler Decrypt']);
});

test('beside the account, services may use a key for what is of this deployment', () => {
  const services = (id: string) =>
    only(template, 'AWS::KMS::Key', id)
      .Properties.KeyPolicy.Statement.filter(({ Principal }: any) => Principal.Service !== undefined)
      .map(({ Principal, Condition }: any) => [JSON.stringify(Principal.Service), Condition]);
  const [[events, rule], ...more] = services('KeyOfData');
  assert.equal(events, '"events.amazonaws.com"');
  assert.match(JSON.stringify(rule.ArnEquals['aws:SourceArn']), /rule\/shopify-exstream\/shopify-exstream-webhooks/);
  assert.deepEqual(more, []);
  const [[logs, groups], ...buses] = services('KeyOfCompute');
  assert.match(logs, /logs\./);
  assert.equal(groups.ArnLike['kms:EncryptionContext:aws:logs:arn'].length, 3);
  for (const [service, condition] of buses) {
    assert.equal(service, '"events.amazonaws.com"');
    assert.match(JSON.stringify(condition), /aws:SourceArn/);
  }
  for (const id of ['KeyOfData', 'KeyOfCompute']) {
    for (const { Principal, Condition } of only(template, 'AWS::KMS::Key', id).Properties.KeyPolicy.Statement) {
      assert.notEqual(Principal.AWS, '*', id);
      if (Principal.Service !== undefined) assert.ok(Condition !== undefined, id);
    }
  }
});

test('the key of the data and the access logs stay with the data, and are adopted with it', () => {
  const json = template.toJSON() as any;
  const outputs = Object.fromEntries(Object.keys(json.Outputs).map((name) => [name, `id-of-${name}`]));
  const found = adoption(json, outputs);
  assert.deepEqual(found[only(template, 'AWS::KMS::Key', 'KeyOfData').logicalId], { KeyId: 'id-of-DataKey' });
  assert.deepEqual(found[only(template, 'AWS::S3::Bucket', 'StorageAccessLogs').logicalId], {
    BucketName: 'id-of-AccessLogsBucket',
  });
  assert.equal(found[only(template, 'AWS::KMS::Key', 'KeyOfCompute').logicalId], undefined);
});
