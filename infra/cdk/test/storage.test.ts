import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { adoption, type RetainingTemplate } from '../lib/adopt.ts';
import { arn, only, synthesize } from './support.ts';

const { template } = synthesize();

describe('archive bucket', () => {
  const archive = only(template, 'AWS::S3::Bucket', 'StorageArchive');

  test('locks every object, in compliance mode by default', () => {
    assert.equal(archive.Properties.ObjectLockEnabled, true);
    assert.deepEqual(archive.Properties.ObjectLockConfiguration, {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 365 } },
    });
    assert.equal(archive.Properties.VersioningConfiguration.Status, 'Enabled');
  });

  test('takes mode and days from context, and tells the function the mode', () => {
    const governed = synthesize({ lockMode: 'GOVERNANCE', lockDays: '30' }).template;
    const bucket = only(governed, 'AWS::S3::Bucket', 'StorageArchive');
    assert.deepEqual(bucket.Properties.ObjectLockConfiguration.Rule.DefaultRetention, {
      Mode: 'GOVERNANCE',
      Days: 30,
    });
    const flow = only(governed, 'AWS::Lambda::Function', 'OrderConfirmationFunction');
    assert.equal(flow.Properties.Environment.Variables.ARCHIVE_LOCK_MODE, 'GOVERNANCE');
    assert.throws(() => synthesize({ lockMode: 'NONE' }), /lockMode.*NONE/);
    assert.throws(() => synthesize({ lockDays: '0' }), /lockDays/);
  });

  test('is encrypted with a rotated key of its own, with a bucket key', () => {
    const key = only(template, 'AWS::KMS::Key', 'StorageArchiveKey');
    assert.equal(key.Properties.EnableKeyRotation, true);
    const [rule] = archive.Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    assert.equal(rule.BucketKeyEnabled, true);
    assert.deepEqual(rule.ServerSideEncryptionByDefault, {
      SSEAlgorithm: 'aws:kms',
      KMSMasterKeyID: arn(key),
    });
  });

  test('locks nothing for longer than the configurations may say', () => {
    const bound = (context: Record<string, string>) => {
      const { template: found } = synthesize(context);
      const denied = Object.values(found.findResources('AWS::S3::BucketPolicy'))
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
        .filter(({ Sid }) => Sid === 'KeepRetentionWithinBounds');
      const [{ Effect, Action, Principal, Resource, Condition }] = denied;
      assert.deepEqual([denied.length, Effect, Principal], [1, 'Deny', { AWS: '*' }]);
      assert.deepEqual(Action, ['s3:PutObject', 's3:PutObjectRetention']);
      assert.deepEqual(Resource, { 'Fn::Join': ['', [arn(archive), '/*']] });
      const days: string = Condition.NumericGreaterThan['s3:object-lock-remaining-retention-days'];
      for (const { Properties } of Object.values(found.findResources('AWS::Lambda::Function'))) {
        assert.equal(Properties.Environment.Variables.MAX_RETENTION_DAYS, days);
      }
      assert.equal(Object.values(found.findOutputs('MaxRetentionDays'))[0]?.Value, days);
      return Number(days);
    };
    const source = readFileSync(resolve(__dirname, '../../../shared/shop-config/src/validate.rs'), 'utf8');
    assert.equal(bound({}), Number(/MAX_RETENTION_DAYS: u16 = (\d+);/.exec(source)?.[1]));
    assert.equal(bound({ maxRetentionDays: '1000' }), 1000);
    assert.throws(() => synthesize({ maxRetentionDays: '100', lockDays: '101' }), /lockDays/);
    assert.throws(() => synthesize({ maxRetentionDays: '0' }), /maxRetentionDays/);
  });

  test('expires nothing', () => {
    assert.deepEqual(archive.Properties.LifecycleConfiguration.Rules, [
      {
        Id: 'unfinished-uploads',
        Status: 'Enabled',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ]);
  });

  test('logs every access into the operations bucket', () => {
    const operations = only(template, 'AWS::S3::Bucket', 'StorageOperations');
    assert.deepEqual(archive.Properties.LoggingConfiguration, {
      DestinationBucketName: { Ref: operations.logicalId },
      LogFilePrefix: 'access/archive/',
    });
  });
});

test('the operations bucket forgets payloads, runs and printed documents, and no configuration', () => {
  const operations = only(template, 'AWS::S3::Bucket', 'StorageOperations').Properties;
  const rules = new Map(operations.LifecycleConfiguration.Rules.map((rule: any) => [rule.Id, rule]));
  assert.deepEqual(rules.get('work'), {
    Id: 'work',
    Status: 'Enabled',
    Prefix: 'work/',
    ExpirationInDays: 14,
    NoncurrentVersionExpiration: { NoncurrentDays: 1 },
  });
  const spool = (days: number) => ({
    Id: 'spool',
    Status: 'Enabled',
    Prefix: 'spool/',
    ExpirationInDays: days,
  });
  assert.deepEqual(rules.get('spool'), spool(90));
  assert.deepEqual(rules.get('runs'), {
    Id: 'runs',
    Status: 'Enabled',
    Prefix: 'runs/',
    ExpirationInDays: 60,
    NoncurrentVersionExpiration: { NoncurrentDays: 1 },
  });
  const context = { spoolDays: '30', runDays: '10' };
  const other = only(synthesize(context).template, 'AWS::S3::Bucket', 'StorageOperations');
  const others = other.Properties.LifecycleConfiguration.Rules;
  assert.deepEqual(
    others.find(({ Id }: any) => Id === 'spool'),
    spool(30),
  );
  assert.equal(others.find(({ Id }: any) => Id === 'runs').ExpirationInDays, 10);
  // a rule without a prefix must not reach the configurations either
  const expiring = [...rules.values()].filter(
    (rule: any) => rule.ExpirationInDays !== undefined || rule.NoncurrentVersionExpiration !== undefined,
  );
  const prefixes = expiring.map((rule: any) => rule.Prefix).sort();
  assert.deepEqual(prefixes, ['access/', 'exports/', 'print-status/', 'runs/', 'spool/', 'spool/', 'spool/', 'work/']);
  assert.equal(operations.ObjectLockEnabled, undefined);
});

describe('print spool', () => {
  const operations = only(template, 'AWS::S3::Bucket', 'StorageOperations');
  const rules = operations.Properties.LifecycleConfiguration.Rules.filter((rule: any) => rule.Prefix === 'spool/');
  /** How many days the versions of an object of this size outlast its deletion: the shortest rule decides. */
  const kept = (bytes: number): number =>
    Math.min(
      ...rules
        .filter((rule: any) => rule.NoncurrentVersionExpiration !== undefined)
        .filter((rule: any) => bytes > Number(rule.ObjectSizeGreaterThan ?? -1))
        .filter((rule: any) => bytes < Number(rule.ObjectSizeLessThan ?? Infinity))
        .map((rule: any) => rule.NoncurrentVersionExpiration.NoncurrentDays),
    );
  const source = readFileSync(resolve(__dirname, '../../../shared/delivery/src/print.rs'), 'utf8');

  test('keeps a deleted manifest for longer than a flow relies on it, and a document for a day', () => {
    const days = Number(/const PROVABLE_DAYS: i64 = (\d+);/.exec(source)?.[1]);
    const bytes = Number(/const MAX_MANIFEST_BYTES: i64 = (\d+) \* 1024;/.exec(source)?.[1]) * 1024;
    assert.deepEqual([kept(200), kept(bytes)], [days + 1, days + 1]);
    assert.equal(kept(bytes + 1), 1);
    // a message may come back for as long as its queue keeps it, and once more from the dead letters
    const seconds = Object.values(template.findResources('AWS::SQS::Queue')).map(
      ({ Properties }) => Properties.MessageRetentionPeriod,
    );
    assert.ok(days * 86_400 >= 2 * Math.max(...seconds));
  });

  test('lets nobody remove a version, unless the whole deployment may be removed', () => {
    const denied = (of: typeof template) =>
      Object.values(of.findResources('AWS::S3::BucketPolicy'))
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
        .filter(({ Action }) => Action === 's3:DeleteObjectVersion');
    const [statement, ...more] = denied(template);
    assert.deepEqual(more, []);
    assert.deepEqual(statement, {
      Sid: 'KeepWhatWasSpooled',
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 's3:DeleteObjectVersion',
      Resource: { 'Fn::Join': ['', [arn(operations), '/spool/*']] },
    });
    assert.deepEqual(denied(synthesize({ destroyable: 'true', lockMode: 'GOVERNANCE' }).template), []);
  });
});

test('both buckets are private and refuse plain HTTP', () => {
  const buckets = Object.entries(template.findResources('AWS::S3::Bucket'));
  assert.equal(buckets.length, 2);
  for (const [logicalId, { Properties }] of buckets) {
    assert.deepEqual(Object.values(Properties.PublicAccessBlockConfiguration), [true, true, true, true]);
    assert.equal(Properties.VersioningConfiguration.Status, 'Enabled');
    const policies = Object.values(
      template.findResources('AWS::S3::BucketPolicy', { Properties: { Bucket: { Ref: logicalId } } }),
    );
    const deny = policies[0]?.Properties.PolicyDocument.Statement[0];
    assert.equal(deny.Effect, 'Deny');
    assert.equal(deny.Action, 's3:*');
    assert.deepEqual(deny.Condition, { Bool: { 'aws:SecureTransport': 'false' } });
  }
});

describe('ledger table', () => {
  const table = only(template, 'AWS::DynamoDB::Table', 'StorageLedger');

  test('has the keys the ledger writes', () => {
    assert.deepEqual(table.Properties.KeySchema, [{ AttributeName: 'pk', KeyType: 'HASH' }]);
    assert.deepEqual(table.Properties.GlobalSecondaryIndexes, [
      {
        IndexName: 'by-resource',
        KeySchema: [{ AttributeName: 'resource_key', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'by-check',
        KeySchema: [
          { AttributeName: 'check_shop', KeyType: 'HASH' },
          { AttributeName: 'check_epoch_ms', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      ...[
        ['by-name', 'name_key'],
        ['by-customer', 'customer'],
        ['by-email', 'email_key'],
      ].map(([IndexName, AttributeName]) => ({
        IndexName,
        KeySchema: [
          { AttributeName, KeyType: 'HASH' },
          { AttributeName: 'created_epoch_ms', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
      {
        IndexName: 'by-undelivered',
        KeySchema: [
          { AttributeName: 'shop', KeyType: 'HASH' },
          { AttributeName: 'undelivered_ms', KeyType: 'RANGE' },
        ],
        Projection: { NonKeyAttributes: ['state', 'document', 'reason'], ProjectionType: 'INCLUDE' },
      },
    ]);
    assert.deepEqual(table.Properties.AttributeDefinitions, [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'resource_key', AttributeType: 'S' },
      { AttributeName: 'check_shop', AttributeType: 'S' },
      { AttributeName: 'check_epoch_ms', AttributeType: 'N' },
      { AttributeName: 'name_key', AttributeType: 'B' },
      { AttributeName: 'created_epoch_ms', AttributeType: 'N' },
      { AttributeName: 'customer', AttributeType: 'S' },
      { AttributeName: 'email_key', AttributeType: 'B' },
      { AttributeName: 'shop', AttributeType: 'S' },
      { AttributeName: 'undelivered_ms', AttributeType: 'N' },
    ]);
    assert.equal(table.Properties.BillingMode, 'PAY_PER_REQUEST');
  });

  test('can be restored to any point, is encrypted, and forgets only what says so itself', () => {
    assert.equal(table.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled, true);
    assert.equal(table.Properties.SSESpecification.SSEEnabled, true);
    assert.deepEqual(table.Properties.TimeToLiveSpecification, {
      AttributeName: 'expires_epoch_s',
      Enabled: true,
    });
  });
});

describe('when the stack goes', () => {
  type Found = Record<string, { Type: string; DeletionPolicy?: string; UpdateReplacePolicy?: string; Properties: any }>;
  const resources = (context: Record<string, string> = {}) => synthesize(context).template.toJSON().Resources as Found;
  const LASTING = [
    'AWS::DynamoDB::Table',
    'AWS::KMS::Key',
    'AWS::S3::Bucket',
    'AWS::SecretsManager::Secret',
    'AWS::SQS::Queue',
  ];
  const policies = (found: Found, types: string[]) => [
    ...new Set(
      Object.values(found)
        .filter(({ Type }) => types.includes(Type))
        .map(({ DeletionPolicy }) => DeletionPolicy),
    ),
  ];
  const archive = (found: Found) =>
    Object.entries(found)
      .filter(([id]) => /^StorageArchive(Key)?[0-9A-F]{8}$/.test(id))
      .map(([, { DeletionPolicy }]) => DeletionPolicy);

  test('what holds data stays, and nothing stays of a deployment that failed', () => {
    const found = resources();
    assert.deepEqual(policies(found, LASTING), ['RetainExceptOnCreate']);
    for (const [id, { Type, DeletionPolicy, UpdateReplacePolicy }] of Object.entries(found)) {
      // `Retain` would leave a queue or secret behind whose name the next deployment needs
      assert.ok(!['Retain', 'Snapshot'].includes(DeletionPolicy ?? 'Delete'), id);
      if ([...LASTING, 'AWS::Lambda::Version'].includes(Type)) assert.equal(UpdateReplacePolicy, 'Retain', id);
    }
  });

  test('all of it is among the outputs, so that the next stack can adopt it', () => {
    const json = synthesize().template.toJSON() as RetainingTemplate;
    const outputs = Object.keys(json.Outputs ?? {});
    const found = adoption(json, Object.fromEntries(outputs.map((name) => [name, `id-of-${name}`])));
    const lasting = Object.entries(resources()).filter(([, { Type }]) => LASTING.includes(Type));
    assert.deepEqual(Object.keys(found).sort(), lasting.map(([id]) => id).sort());
    const of = (type: string, id: string) => found[only(template, type, id).logicalId];
    assert.deepEqual(of('AWS::DynamoDB::Table', 'StorageLedger'), { TableName: 'id-of-TableName' });
    assert.deepEqual(of('AWS::S3::Bucket', 'StorageArchive'), { BucketName: 'id-of-ArchiveBucket' });
    assert.deepEqual(of('AWS::KMS::Key', 'StorageArchiveKey'), { KeyId: 'id-of-ArchiveKey' });
    assert.deepEqual(of('AWS::SecretsManager::Secret', 'StorageCustomerKey'), { Id: 'id-of-CustomerKeySecret' });
    assert.deepEqual(of('AWS::SQS::Queue', 'IntakeDeadLetters'), { QueueUrl: 'id-of-DeadLetterUrlIntake' });
    assert.throws(() => adoption(json, {}), /outputs of the deleted stack lack/);
  });

  test('what is adopted needs nothing that is not', () => {
    const found = resources();
    const adopted = Object.entries(found).filter(([, { Type }]) => LASTING.includes(Type));
    const names = new Set(adopted.map(([id]) => id));
    for (const [id, resource] of adopted) {
      const text = JSON.stringify(resource);
      const others = Object.keys(found).filter((other) => !names.has(other) && text.includes(`"${other}"`));
      assert.deepEqual(others, [], id);
    }
  });

  test('a first deployment has no guard that would keep CloudFormation from taking it back', () => {
    const guarded = (context: Record<string, string>) => {
      const { template, settings } = synthesize(context);
      const [table] = Object.values(template.findResources('AWS::DynamoDB::Table'));
      assert.equal(table?.Properties.DeletionProtectionEnabled, settings.guarded);
      return settings.guarded;
    };
    assert.equal(guarded({}), true);
    assert.equal(guarded({ firstDeployment: 'true' }), false);
    assert.equal(guarded({ destroyable: 'true', lockMode: 'GOVERNANCE' }), false);
    assert.deepEqual(policies(resources({ firstDeployment: 'true' }), LASTING), ['RetainExceptOnCreate']);
  });

  test('destroyable data goes, and in AWS neither the archive nor its key', () => {
    const found = resources({ destroyable: 'true', lockMode: 'GOVERNANCE' });
    assert.deepEqual(archive(found), ['RetainExceptOnCreate', 'RetainExceptOnCreate']);
    for (const type of ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret', 'AWS::SQS::Queue'])
      assert.deepEqual(policies(found, [type]), ['Delete']);
    const local = resources({ destroyable: 'true', endpointUrl: 'http://127.0.0.1:4566' });
    assert.deepEqual(archive(local), ['Delete', 'Delete']);
    assert.deepEqual(policies(local, LASTING), ['Delete']);
  });

  test('nothing under COMPLIANCE is destroyable, but in the local run', () => {
    assert.throws(() => synthesize({ destroyable: 'true' }), /destroyable.*COMPLIANCE/);
    assert.throws(() => synthesize({ destroyable: 'true', lockMode: 'COMPLIANCE' }), /destroyable.*COMPLIANCE/);
  });
});

test('the key of the pseudonyms is generated under the prefix', () => {
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    Name: 'shopify-exstream/customer-key',
    GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
  });
});
