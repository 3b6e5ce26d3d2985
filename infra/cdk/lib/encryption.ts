// Keys of the deployment's own, where context asks for them (`customerManagedKeys`): one for what the deployment keeps, in the
// data's stack, and one for what works on it (logs, environments, buses, schedules). Without them, AWS's own keys encrypt. What a
// role may ask of a key follows from what it may ask of what the key encrypts, and it may ask it through that service alone.

import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Grant } from './permissions.ts';
import type { Settings } from './settings.ts';

/** What services do with a key in their own name. */
const AS_A_SERVICE = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'];

const READ = ['kms:Decrypt'];
const WRITE = ['kms:Decrypt', 'kms:GenerateDataKey'];
/** Of a table: what AWS documents for who reads one, and for who changes one. */
const READ_TABLE = ['kms:Decrypt', 'kms:DescribeKey'];
const WRITE_TABLE = [...READ_TABLE, 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'];

/** What an action on something encrypted takes of its key. Whatever is not here touches no content. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  'dynamodb:BatchGetItem': READ_TABLE,
  'dynamodb:DeleteItem': WRITE_TABLE,
  'dynamodb:GetItem': READ_TABLE,
  'dynamodb:GetRecords': READ_TABLE,
  'dynamodb:PutItem': WRITE_TABLE,
  'dynamodb:Query': READ_TABLE,
  'dynamodb:Scan': READ_TABLE,
  'dynamodb:UpdateItem': WRITE_TABLE,
  's3:GetObject': READ,
  's3:GetObjectVersion': READ,
  's3:PutObject': WRITE,
  'secretsmanager:GetSecretValue': READ,
  'secretsmanager:PutSecretValue': WRITE,
  'sqs:ReceiveMessage': READ,
  'sqs:SendMessage': WRITE,
};

/** The key of what is kept, and the one bucket of it that the key encrypts: the archive has its own. */
export interface DataKey {
  readonly key: IKey;
  readonly operations: Bucket;
}

/** The grants, and what of the key they need. */
export function withKey(grants: readonly Grant[], dataKey: DataKey | undefined): Grant[] {
  if (dataKey === undefined) return [...grants];
  const { key, operations } = dataKey;
  const needed = new Map<string, Set<string>>();
  for (const { actions, resources } of grants.flatMap((grant) => grant.statements)) {
    for (const action of actions) {
      const [service = ''] = action.split(':');
      if (service === 's3' && !resources.some((it) => it.startsWith(operations.bucketArn))) continue;
      for (const need of NEEDS[action] ?? []) needed.set(service, (needed.get(service) ?? new Set()).add(need));
    }
  }
  const statements = [...needed].sort().map(([service, actions]) => through(key, service, [...actions].sort()));
  return [...grants, { statements, patterns: [] }];
}

/** Use of a key through one service. */
export function through(key: IKey, service: string, actions: string[]): PolicyStatement {
  const { region } = Stack.of(key);
  return new PolicyStatement({
    actions,
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } },
  });
}

/** The key of tables, queues, secrets and the operations bucket. `rule` puts events into a queue. */
export function makeDataKey(scope: Construct, { removal }: Settings, rule: string): Key {
  const key = new Key(scope, 'KeyOfData', {
    description: 'What the deployment keeps: tables, queues, secrets, operations bucket',
    enableKeyRotation: true,
    removalPolicy: removal.data,
  });
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'TakeUndeliveredEvents',
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: WRITE,
      resources: ['*'],
      conditions: { ArnEquals: { 'aws:SourceArn': rule } },
    }),
  );
  return key;
}

/** The key of logs, environments, buses and schedules. It goes with them. */
export function makeComputeKey(scope: Construct, { prefix }: Settings): Key {
  const { account, region, partition, urlSuffix } = Stack.of(scope);
  const key = new Key(scope, 'KeyOfCompute', {
    description: 'What works on what the deployment keeps: logs, environments, buses, schedules',
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const groups = [`/aws/lambda/${prefix}-*`, `/aws/apigateway/${prefix}-*`, `/aws/vpc/${prefix}`];
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'EncryptLogs',
      principals: [new ServicePrincipal(`logs.${region}.${urlSuffix}`)],
      actions: AS_A_SERVICE,
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': groups.map(
            (group) => `arn:${partition}:logs:${region}:${account}:log-group:${group}`,
          ),
        },
      },
    }),
  );
  return key;
}
