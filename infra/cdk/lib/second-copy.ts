// What is left if the account or its region is lost: S3 copies each archived object, with its retention and holds, to a bucket in
// another account and region, and AWS Backup keeps daily recovery points of the tables and of the operations bucket. What has to
// be on the other side, a stack of its own makes there first (`copy-target.ts`).

import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupSelection, BackupVault } from 'aws-cdk-lib/aws-backup';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { RemovalPolicy } from 'aws-cdk-lib';
import type { Backups, SecondCopy } from './second-copy-settings.ts';

/** Name of the role that copies: bucket and key on the other side let it in, and are made first. */
export function replicationRole(prefix: string): string {
  return `${prefix}-archive-copy`;
}

/** What it does on the other side. Both sides have to allow it. */
export const REPLICATE = [
  's3:ObjectOwnerOverrideToBucketOwner',
  's3:ReplicateDelete',
  's3:ReplicateObject',
  's3:ReplicateTags',
];

/** After so many minutes, a copy that has not been made counts as late in S3's metrics. */
const MINUTES = 15;

export interface ReplicationProps {
  readonly prefix: string;
  readonly copy: SecondCopy;
  readonly archive: Bucket;
  readonly archiveKey: IKey;
}

/** Everything that is put into the archive from now on. What was there before takes a batch operation once. */
export class Replication extends Construct {
  constructor(scope: Construct, id: string, { prefix, copy, archive, archiveKey }: ReplicationProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const bucket = `arn:${stack.partition}:s3:::${copy.bucket}`;
    const may = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });
    const role = new Role(this, 'Role', {
      roleName: replicationRole(prefix),
      assumedBy: new ServicePrincipal('s3.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    // apart from the role, which the bucket waits for
    const policy = new Policy(this, 'Policy', {
      roles: [role],
      statements: [
        may(['s3:GetReplicationConfiguration', 's3:ListBucket'], archive.bucketArn),
        may(
          [
            's3:GetObjectLegalHold',
            's3:GetObjectRetention',
            's3:GetObjectVersionAcl',
            's3:GetObjectVersionForReplication',
            's3:GetObjectVersionTagging',
          ],
          archive.arnForObjects('*'),
        ),
        may(REPLICATE, `${bucket}/*`),
        may(['kms:Decrypt'], archiveKey.keyArn),
        may(['kms:Encrypt', 'kms:GenerateDataKey'], copy.keyArn),
      ],
    });
    const source = archive.node.defaultChild as CfnBucket;
    const reason = 'Every object of the archive has a copy.';
    Validations.of(policy).acknowledge(
      { id: `AwsSolutions-IAM5[Resource::<${stack.getLogicalId(source)}.Arn>/*]`, reason },
      { id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${copy.bucket}/*]`, reason },
    );
    source.replicationConfiguration = {
      role: role.roleArn,
      rules: [
        {
          id: 'second-copy',
          priority: 1,
          status: 'Enabled',
          filter: { prefix: '' },
          // what hides an object here hides it there; the version below is locked in both
          deleteMarkerReplication: { status: 'Enabled' },
          sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: 'Enabled' } },
          destination: {
            bucket,
            account: copy.account,
            accessControlTranslation: { owner: 'Destination' },
            encryptionConfiguration: { replicaKmsKeyId: copy.keyArn },
            metrics: { status: 'Enabled', eventThreshold: { minutes: MINUTES } },
            replicationTime: { status: 'Enabled', time: { minutes: MINUTES } },
          },
        },
      ],
    };
  }
}

export interface BackupProps {
  readonly prefix: string;
  readonly backups: Backups;
  readonly operations: Bucket;
  readonly tables: readonly ITable[];
  readonly removal: RemovalPolicy;
}

/** Once a day. The secrets behind the leaves of the logs are left out: what was deleted of them must not come back. */
export class DailyBackup extends Construct {
  readonly vault: BackupVault;
  readonly key: Key;

  constructor(scope: Construct, id: string, { prefix, backups, operations, tables, removal }: BackupProps) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: 'Recovery points of the tables and the operations bucket',
      enableKeyRotation: true,
      removalPolicy: removal,
    });
    this.vault = new BackupVault(this, 'Vault', {
      backupVaultName: prefix,
      encryptionKey: this.key,
      removalPolicy: removal,
      blockRecoveryPointDeletion: true,
    });
    const deleteAfter = Duration.days(backups.days);
    const plan = new BackupPlan(this, 'Plan', {
      backupPlanName: prefix,
      backupPlanRules: [
        new BackupPlanRule({
          ruleName: 'daily',
          backupVault: this.vault,
          scheduleExpression: Schedule.cron({ hour: '1', minute: '30' }),
          startWindow: Duration.hours(1),
          completionWindow: Duration.hours(8),
          deleteAfter,
          copyActions:
            backups.copyVaultArn === undefined
              ? []
              : [
                  {
                    destinationBackupVault: BackupVault.fromBackupVaultArn(this, 'CopyVault', backups.copyVaultArn),
                    deleteAfter,
                  },
                ],
        }),
      ],
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForBackup'),
        ManagedPolicy.fromAwsManagedPolicyName('AWSBackupServiceRolePolicyForS3Backup'),
      ],
    });
    Validations.of(role).acknowledge(
      ...['service-role/AWSBackupServiceRolePolicyForBackup', 'AWSBackupServiceRolePolicyForS3Backup'].map((name) => ({
        id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${name}]`,
        reason: 'What AWS Backup needs changes with AWS Backup; these are the policies that it keeps for itself.',
      })),
    );
    new BackupSelection(this, 'Selection', {
      backupPlan: plan,
      backupSelectionName: 'data',
      role,
      disableDefaultBackupPolicy: true,
      resources: [
        ...tables.map((table) => BackupResource.fromDynamoDbTable(table)),
        BackupResource.fromArn(operations.bucketArn),
      ],
    });
  }
}
