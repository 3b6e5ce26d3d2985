// The second copy: what is copied, with which retention and holds, who may do it, and what is on the other side.

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adoption } from '../lib/adopt.ts';
import { CopyTarget } from '../lib/copy-target.ts';
import { readCopyTarget } from '../lib/settings.ts';
import { check } from './nag.ts';
import { arn, flags, only, synthesize } from './support.ts';

const KEY = 'arn:aws:kms:eu-central-1:222222222222:key/0a1b';
const VAULT = 'arn:aws:backup:eu-central-1:222222222222:backup-vault:shopify-exstream';
const COPY = { copyAccount: '222222222222', copyBucket: 'exstream-copies', copyKey: KEY };
const { template } = synthesize({ ...COPY, backupDays: '35', copyVault: VAULT }, check);

function target(context: Record<string, string> = {}): Template {
  const app = new App({ analyticsReporting: false, context: { ...flags, copyOf: '111111111111', ...context } });
  check(app);
  return Template.fromStack(new CopyTarget(app, 'copy', readCopyTarget(app.node)));
}

test('there is neither copy nor backup by default', () => {
  const json = JSON.stringify(synthesize().template.toJSON());
  assert.doesNotMatch(json, /ReplicationConfiguration"|AWS::Backup/);
});

describe('a copy of the archive', () => {
  const archive = only(template, 'AWS::S3::Bucket', 'StorageArchive');
  const role = only(template, 'AWS::IAM::Role', 'ReplicationRole');

  test('is made of everything, encrypted with a key of its own account, and belongs to it', () => {
    const { Role, Rules } = archive.Properties.ReplicationConfiguration;
    assert.deepEqual(Role, arn(role));
    const [rule, ...more] = Rules;
    assert.deepEqual(more, []);
    assert.deepEqual(
      [rule.Status, rule.Filter, rule.DeleteMarkerReplication],
      ['Enabled', { Prefix: '' }, { Status: 'Enabled' }],
    );
    assert.deepEqual(rule.SourceSelectionCriteria, { SseKmsEncryptedObjects: { Status: 'Enabled' } });
    const { Account, AccessControlTranslation, EncryptionConfiguration, ReplicationTime, Metrics } = rule.Destination;
    assert.deepEqual([Account, AccessControlTranslation], ['222222222222', { Owner: 'Destination' }]);
    assert.deepEqual(EncryptionConfiguration, { ReplicaKmsKeyID: KEY });
    assert.deepEqual([ReplicationTime.Time, Metrics.EventThreshold], [{ Minutes: 15 }, { Minutes: 15 }]);
  });

  test('has retention and holds of its object, by the rights of the role that copies', () => {
    const statements: any[] = only(template, 'AWS::IAM::Policy', 'ReplicationPolicy').Properties.PolicyDocument
      .Statement;
    const on = (action: string) => statements.filter(({ Action }) => [Action].flat().includes(action));
    for (const action of ['s3:GetObjectRetention', 's3:GetObjectLegalHold', 's3:GetObjectVersionForReplication']) {
      assert.deepEqual(
        on(action).map(({ Resource }) => Resource),
        [{ 'Fn::Join': ['', [arn(archive), '/*']] }],
      );
    }
    assert.deepEqual(on('kms:Decrypt')[0].Resource, arn(only(template, 'AWS::KMS::Key', 'StorageArchiveKey')));
    assert.equal(on('kms:Encrypt')[0].Resource, KEY);
    const actions = statements.flatMap(({ Action }) => Action);
    // it adds copies; it neither deletes versions nor shortens or bypasses what locks them
    assert.deepEqual(
      actions.filter((it) => /Put|DeleteObject|Bypass|\*/.test(it)),
      [],
    );
  });

  test('is asked for whole or not at all', () => {
    assert.throws(() => synthesize({ copyBucket: 'exstream-copies' }), /copyAccount, copyBucket, copyKey: all or none/);
    assert.throws(() => synthesize({ ...COPY, copyAccount: '333333333333' }), /copyKey/);
    assert.throws(() => synthesize({ ...COPY, copyBucket: 'A' }), /copyBucket/);
  });
});

describe('the other side', () => {
  const there = target();
  const bucket = only(there, 'AWS::S3::Bucket', 'Copies').Properties;

  test('locks what it gets, as the archive does', () => {
    assert.equal(bucket.ObjectLockEnabled, true);
    assert.deepEqual(bucket.ObjectLockConfiguration.Rule.DefaultRetention, { Mode: 'COMPLIANCE', Days: 365 });
    assert.equal(bucket.VersioningConfiguration.Status, 'Enabled');
    assert.deepEqual(Object.values(bucket.PublicAccessBlockConfiguration), [true, true, true, true]);
    assert.equal(
      there.toJSON().Resources[only(there, 'AWS::S3::Bucket', 'Copies').logicalId].DeletionPolicy,
      'RetainExceptOnCreate',
    );
    const governed = only(target({ lockMode: 'GOVERNANCE', lockDays: '30' }), 'AWS::S3::Bucket', 'Copies').Properties;
    assert.deepEqual(governed.ObjectLockConfiguration.Rule.DefaultRetention, { Mode: 'GOVERNANCE', Days: 30 });
    assert.throws(() => target({ copyOf: 'me' }), /copyOf/);
  });

  test('lets the role in that copies, to add and to do nothing else', () => {
    const policy: any = Object.values(there.findResources('AWS::S3::BucketPolicy'))[0];
    const allowed = policy.Properties.PolicyDocument.Statement.filter(({ Effect }: any) => Effect === 'Allow');
    const wanted = only(template, 'AWS::IAM::Role', 'ReplicationRole').Properties.RoleName;
    for (const { Condition } of allowed) {
      const named = JSON.stringify(Condition.ArnEquals['aws:PrincipalArn']);
      assert.match(named, new RegExp(`:iam::111111111111:role/${wanted}"`));
    }
    const actions = allowed.flatMap(({ Action }: any) => Action);
    assert.ok(actions.includes('s3:ReplicateObject'));
    assert.deepEqual(
      actions.filter((it: string) => /Delete(Object|Bucket)|Retention|Bypass|\*/.test(it)),
      [],
    );
  });

  test('has the outputs that the first one is told', () => {
    assert.deepEqual(Object.keys(there.findOutputs('*')).sort(), ['CopyAccount', 'CopyBucket', 'CopyKey', 'CopyVault']);
  });
});

describe('backups', () => {
  test('are made daily, of the tables and the operations bucket, kept here and there', () => {
    const plan = only(template, 'AWS::Backup::BackupPlan', 'BackupPlan').Properties.BackupPlan;
    const [rule] = plan.BackupPlanRule;
    assert.equal(rule.ScheduleExpression, 'cron(30 1 * * ? *)');
    assert.deepEqual(rule.Lifecycle, { DeleteAfterDays: 35 });
    assert.deepEqual(rule.CopyActions, [{ DestinationBackupVaultArn: VAULT, Lifecycle: { DeleteAfterDays: 35 } }]);
    const selection: any = Object.values(template.findResources('AWS::Backup::BackupSelection'))[0];
    const text = JSON.stringify(selection.Properties.BackupSelection.Resources);
    for (const [type, id] of [
      ['AWS::DynamoDB::Table', 'StorageLedger'],
      ['AWS::DynamoDB::Table', 'StorageLinks'],
      ['AWS::S3::Bucket', 'StorageOperations'],
    ] as const) {
      assert.ok(text.includes(only(template, type, id).logicalId), id);
    }
    // a deleted secret must not come back
    assert.ok(!text.includes(only(template, 'AWS::DynamoDB::Table', 'StorageCommitments').logicalId));
    const alone = synthesize({ backupDays: '7' }).template;
    assert.equal(
      only(alone, 'AWS::Backup::BackupPlan', 'BackupPlan').Properties.BackupPlan.BackupPlanRule[0].CopyActions
        ?.length ?? 0,
      0,
    );
    assert.throws(() => synthesize({ copyVault: VAULT }), /copyVault.*backupDays/);
  });

  test('cannot be deleted by hand, and stay when the stack goes', () => {
    const vault = only(template, 'AWS::Backup::BackupVault', 'BackupVault');
    assert.equal(vault.DeletionPolicy, 'RetainExceptOnCreate');
    assert.match(JSON.stringify(vault.Properties.AccessPolicy), /backup:DeleteRecoveryPoint.*"Effect":"Deny"/);
    const json = template.toJSON() as any;
    const outputs = Object.fromEntries(Object.keys(json.Outputs).map((name) => [name, `id-of-${name}`]));
    assert.deepEqual(adoption(json, outputs)[vault.logicalId], { BackupVaultName: 'id-of-BackupVault' });
  });
});
