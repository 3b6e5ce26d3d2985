// The other side of the second copy, in an account and region of its own: a bucket that locks what it gets, the key that it is
// encrypted with, and a vault for recovery points. Nobody of the first account may delete or unlock anything here.

import { ArnFormat, CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { AccountPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledgeEverywhere } from './exceptions.ts';
import { REPLICATE, replicationRole } from './second-copy.ts';
import { RETAIN } from './settings.ts';
import { bucketBasics, locked } from './storage.ts';

export interface CopyTargetProps extends StackProps {
  readonly prefix: string;
  /** Account of the deployment whose copy this is. */
  readonly source: string;
  readonly lockMode: 'COMPLIANCE' | 'GOVERNANCE';
  readonly lockDays: number;
}

export class CopyTarget extends Stack {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: CopyTargetProps,
  ) {
    super(scope, id, props);
    acknowledgeEverywhere(this);
    const key = new Key(this, 'Key', {
      description: 'Copies of archived documents, and recovery points',
      enableKeyRotation: true,
      removalPolicy: RETAIN,
    });
    const bucket = this.bucket(key);
    const vault = new BackupVault(this, 'Vault', {
      backupVaultName: props.prefix,
      encryptionKey: key,
      removalPolicy: RETAIN,
      accessPolicy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: 'TakeCopies',
            principals: [new AccountPrincipal(props.source)],
            actions: ['backup:CopyIntoBackupVault'],
            resources: ['*'],
          }),
        ],
      }),
    });
    vault.blockRecoveryPointDeletion();
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'EncryptCopies',
        principals: [new AnyPrincipal()],
        actions: ['kms:Encrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { ArnEquals: { 'aws:PrincipalArn': this.role() } },
      }),
    );
    new CfnOutput(this, 'CopyAccount', { value: this.account });
    new CfnOutput(this, 'CopyBucket', { value: bucket.bucketName });
    new CfnOutput(this, 'CopyKey', { value: key.keyArn });
    new CfnOutput(this, 'CopyVault', { value: vault.backupVaultArn });
  }

  private bucket(key: Key): Bucket {
    // the lock by default is for what comes without a retention: every copy comes with its own
    const bucket = new Bucket(this, 'Copies', { ...bucketBasics(RETAIN), ...locked(key, this.props) });
    const ofRole = { ArnEquals: { 'aws:PrincipalArn': this.role() } };
    const allow = (sid: string, actions: string[], resource: string) =>
      bucket.addToResourcePolicy(
        new PolicyStatement({
          sid,
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions,
          resources: [resource],
          conditions: ofRole,
        }),
      );
    allow('TakeCopies', REPLICATE, bucket.arnForObjects('*'));
    allow('SeeVersioning', ['s3:GetBucketVersioning', 's3:PutBucketVersioning'], bucket.bucketArn);
    Validations.of(bucket).acknowledge(
      ...['AwsSolutions-S1', 'NIST.800.53.R5-S3BucketLoggingEnabled'].map((id) => ({
        id,
        reason: 'The archive has the access log; here only the copying role and people of this account get in.',
      })),
    );
    return bucket;
  }

  /** The role that copies. It is made after this stack, so that it cannot be named as a principal. */
  private role(): string {
    return Stack.of(this).formatArn({
      service: 'iam',
      region: '',
      account: this.props.source,
      resource: 'role',
      resourceName: replicationRole(this.props.prefix),
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }
}
