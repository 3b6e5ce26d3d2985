// What roles are made of: each grant names the actions that the code calls and the narrowest resource that can
// be written down before a shop exists. Where that still is a pattern, the grant says why, for that pattern
// alone: a wildcard added elsewhere stops the synthesis.

import { ArnFormat, type CfnElement, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Handler } from './function.ts';
import { CHECK_INDEX, ORDER_INDEX } from './storage.ts';

export interface Grant {
  readonly statements: PolicyStatement[];
  /** The patterns among the resources, as cdk-nag writes them, each with its reason. */
  readonly patterns: { readonly id: string; readonly reason: string }[];
}

export function log(group: LogGroup): Grant {
  return plain(['logs:CreateLogStream', 'logs:PutLogEvents'], group.logGroupArn);
}

export function send(...queues: Queue[]): Grant {
  return plain(['sqs:SendMessage'], ...queues.map((queue) => queue.queueArn));
}

export function invoke(...handlers: Handler[]): Grant {
  return plain(['lambda:InvokeFunction'], ...handlers.map((handler) => handler.function.functionArn));
}

/** What Lambda needs to poll the queue in the function's name, and the function to put a message off. */
export function consume(queue: Queue): Grant {
  return plain(
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    queue.queueArn,
  );
}

/**
 * Objects of the given keys. Listing is what makes S3 answer 404 and not 403 for a key that is not there; a read
 * of an object carries no `s3:prefix`, so the condition must hold without one.
 */
export function read(bucket: Bucket, ...keys: string[]): Grant {
  return {
    statements: [
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: keys.map((key) => bucket.arnForObjects(key)),
      }),
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: { StringLikeIfExists: { 's3:prefix': keys } },
      }),
    ],
    patterns: keys.map((key) => objects(bucket, key)),
  };
}

/** Sees what was once under keys that begin so, also where it was deleted. */
export function readHistory(bucket: Bucket, ...keys: string[]): Grant {
  return {
    statements: [
      new PolicyStatement({
        actions: ['s3:ListBucketVersions'],
        resources: [bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': keys } },
      }),
    ],
    patterns: [],
  };
}

export function write(bucket: Bucket, ...keys: string[]): Grant {
  return {
    statements: [
      new PolicyStatement({
        actions: ['s3:PutObject'],
        resources: keys.map((key) => bucket.arnForObjects(key)),
      }),
    ],
    patterns: keys.map((key) => objects(bucket, key)),
  };
}

/** Adds to the archive and reads it. Nobody deletes, shortens a retention or bypasses one. */
export function archive(bucket: Bucket, key: Key): Grant {
  return {
    statements: [
      new PolicyStatement({
        actions: [
          's3:PutObject',
          's3:PutObjectRetention',
          's3:GetObject',
          's3:GetObjectVersion',
          's3:GetObjectRetention',
        ],
        resources: [bucket.arnForObjects('*')],
      }),
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
      new PolicyStatement({ actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [key.keyArn] }),
    ],
    patterns: [objects(bucket, '*')],
  };
}

/** Claims and moves communications, takes back the claim of one that is not to be, and finds those of an order. */
export function keepLedger(table: Table): Grant {
  return all(keepItems(table), plain(['dynamodb:DeleteItem'], table.tableArn), query(table, ORDER_INDEX));
}

/** Reads and changes items by their keys. */
function keepItems(table: Table): Grant {
  return plain(['dynamodb:GetItem', 'dynamodb:UpdateItem'], table.tableArn);
}

/** Finds communications whose channel is to be asked, and records what it said. */
export function followUp(table: Table): Grant {
  return all(keepItems(table), query(table, CHECK_INDEX));
}

/** Sees which of many communications there are. */
export function lookUp(table: Table): Grant {
  return plain(['dynamodb:BatchGetItem'], table.tableArn);
}

export function updateLedger(table: Table): Grant {
  return plain(['dynamodb:UpdateItem'], table.tableArn);
}

export function readSecret(secret: ISecret): Grant {
  return plain(['secretsmanager:GetSecretValue'], secret.secretArn);
}

/** The secrets of every shop. An operator puts them: their names are known, their random suffixes are not. */
export function readShopSecrets(scope: Construct, prefix: string): Grant {
  const resourceName = `${prefix}/shop/*`;
  const arn = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const found = `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${resourceName}`;
  return {
    ...plain(['secretsmanager:GetSecretValue'], arn),
    patterns: [pattern(found, 'One secret a shop, put by an operator after the deployment.')],
  };
}

function query(table: Table, index: string): Grant {
  return plain(['dynamodb:Query'], `${table.tableArn}/index/${index}`);
}

function all(...grants: Grant[]): Grant {
  return {
    statements: grants.flatMap((grant) => grant.statements),
    patterns: grants.flatMap((grant) => grant.patterns),
  };
}

function plain(actions: string[], ...resources: string[]): Grant {
  return { statements: [new PolicyStatement({ actions, resources })], patterns: [] };
}

function objects(bucket: Bucket, key: string): { id: string; reason: string } {
  const bucketId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  return pattern(
    `<${bucketId}.Arn>/${key}`,
    'Keys name shops, orders and webhooks, which are known only at run time.',
  );
}

function pattern(resource: string, reason: string): { id: string; reason: string } {
  return { id: `AwsSolutions-IAM5[Resource::${resource}]`, reason };
}
