// What roles are made of: each grant names the actions that the code calls and the narrowest resource that can
// be written down before a shop exists. Where that still is a pattern, the grant says why, for that pattern
// alone: a wildcard added elsewhere stops the synthesis.

import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Handler } from './function.ts';
import {
  CHECK_INDEX,
  CUSTOMER_INDEX,
  EMAIL_INDEX,
  KEY_INDEX,
  NAME_INDEX,
  RESOURCE_INDEX,
  UNDELIVERED_INDEX,
} from './indexes.ts';
import { readFrom } from './published.ts';

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

export function invoke(...functions: IFunction[]): Grant {
  return plain(['lambda:InvokeFunction'], ...functions.map(({ functionArn }) => functionArn));
}

/** The same of a version or an alias that is made later. */
export function invokeNamed(scope: Construct, resourceName: string): Grant {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  const function_ = Stack.of(scope).formatArn({ service: 'lambda', resource: 'function', resourceName, arnFormat });
  return plain(['lambda:InvokeFunction'], function_);
}

/** What Lambda needs to poll the queue in the function's name, and the function to put a message off. */
export function consume(queue: Queue): Grant {
  return plain(
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    queue.queueArn,
  );
}

/** Objects of the given keys. */
export function read(bucket: Bucket, ...keys: string[]): Grant {
  return all(ofObjects(bucket, ['s3:GetObject'], keys), list(bucket, ...keys));
}

/**
 * Lists below the given prefixes and nothing else: a request without a prefix is refused. So S3 answers 403 and
 * not 404 to a read of what is not there, which the functions look into by listing the key itself.
 */
export function list(bucket: Bucket, ...prefixes: string[]): Grant {
  return ofPrefixes(bucket, 's3:ListBucket', prefixes);
}

/** Sees what was once under keys that begin so, also where it was deleted. */
export function readHistory(bucket: Bucket, ...keys: string[]): Grant {
  return ofPrefixes(bucket, 's3:ListBucketVersions', keys);
}

/** The same, and what was there. */
export function readVersions(bucket: Bucket, ...keys: string[]): Grant {
  return all(readHistory(bucket, ...keys), ofObjects(bucket, ['s3:GetObjectVersion'], keys));
}

export function write(bucket: Bucket, ...keys: string[]): Grant {
  return ofObjects(bucket, ['s3:PutObject'], keys);
}

/** The folders of communications, below `test/` too: `<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>/`. */
export const FOLDERS = '*.myshopify.com/????/??/??/*/*/';

/** Adds to the archive and reads it. Nobody deletes, shortens a retention or bypasses one. */
export function archive(bucket: Bucket, key: Key): Grant {
  const actions = ['s3:PutObject', 's3:PutObjectRetention', 's3:GetObject', 's3:GetObjectVersion'];
  return all(
    ofObjects(bucket, actions, ['*']),
    lookAtLocks(bucket),
    ofObjects(bucket, ['s3:PutObjectLegalHold'], [FACTS]),
    list(bucket, `${FOLDERS}*`),
    plain(['kms:GenerateDataKey', 'kms:Decrypt'], key.keyArn),
  );
}

/** What becomes of a communication, beside its record. */
const FACTS = `${FOLDERS}fact-*.json`;
const RECORDS = `${FOLDERS}record.json`;
/** Who read what. */
const ACCESS = 'access/*';
/** What was to be destroyed, and what was. */
const DISPOSAL = 'disposal/*';

/** Sees until when a record is locked, and whether it is held. */
function lookAtLocks(bucket: Bucket): Grant {
  return ofObjects(bucket, ['s3:GetObjectRetention', 's3:GetObjectLegalHold'], [RECORDS]);
}

/** Adds facts beside records, locked and held as these are. Changes and deletes none. */
export function addFacts(bucket: Bucket, key: Key): Grant {
  return all(
    ofObjects(bucket, ['s3:PutObject', 's3:PutObjectRetention', 's3:PutObjectLegalHold', 's3:GetObject'], [FACTS]),
    ofObjects(bucket, ['s3:GetObjectVersion'], [RECORDS]),
    lookAtLocks(bucket),
    // to tell what was destroyed from what may not be read
    list(bucket, RECORDS),
    plain(['kms:GenerateDataKey', 'kms:Decrypt'], key.keyArn),
  );
}

/** Finds the record beside a document whose key is known. */
export function findRecords(bucket: Bucket): Grant {
  return ofObjects(bucket, ['s3:GetObject'], [RECORDS]);
}

/** Reads the facts of a communication. */
export function readFacts(bucket: Bucket): Grant {
  return all(ofObjects(bucket, ['s3:GetObject'], [FACTS]), list(bucket, FOLDERS));
}

/** Leaves an entry of who read what. Reads none and deletes none. */
export function recordAccess(bucket: Bucket, key: Key): Grant {
  return all(
    ofObjects(bucket, ['s3:PutObject', 's3:PutObjectRetention'], [ACCESS]),
    plain(['kms:GenerateDataKey'], key.keyArn),
  );
}

/** Holds the evidence of a communication that is known, and releases it. */
export function holdKnown(bucket: Bucket, key: Key): Grant {
  return all(hold(bucket, key), list(bucket, FOLDERS), readHistory(bucket, FOLDERS));
}

/** The same, of what is looked for; reads records, not documents, to know which. */
export function holdEvidence(bucket: Bucket, key: Key): Grant {
  const shops = '*.myshopify.com/*';
  return all(hold(bucket, key), findRecords(bucket), list(bucket, shops), readHistory(bucket, shops));
}

function hold(bucket: Bucket, key: Key): Grant {
  return all(addFacts(bucket, key), ofObjects(bucket, ['s3:PutObjectLegalHold'], [`${FOLDERS}*`]));
}

/** Destroys evidence whose retention has ended, and certifies it: S3 refuses to delete what is locked or held. */
export function destroyExpired(bucket: Bucket): Grant {
  return all(
    ofObjects(bucket, ['s3:DeleteObjectVersion'], [`${FOLDERS}*`]),
    ofObjects(bucket, ['s3:GetObjectVersion'], [FACTS]),
    ofObjects(bucket, ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention'], [DISPOSAL]),
    list(bucket, DISPOSAL),
  );
}

/** Where the logs of the shops are. */
const LOGS = 'log/*';
/** The folder of a day. */
const DAYS = '*.myshopify.com/????/??/??/';

/** Looks at everything that was archived of a day, and adds to the logs. Whatever there is, it neither changes nor deletes. */
export function sealEvidence(bucket: Bucket, key: Key, logKey: Key, commitments: Table): Grant {
  return all(
    ofObjects(bucket, ['s3:GetObjectVersion'], [`${FOLDERS}*`, ACCESS]),
    readHistory(bucket, DAYS, `access/${DAYS}`),
    // what was destroyed with a certificate is not missing
    ofObjects(bucket, ['s3:GetObject'], [DISPOSAL]),
    ofObjects(bucket, ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention'], [LOGS]),
    list(bucket, LOGS, DISPOSAL),
    plain(['kms:GenerateDataKey', 'kms:Decrypt'], key.keyArn),
    plain(['kms:GetPublicKey', 'kms:Sign'], logKey.keyArn),
    plain(['dynamodb:BatchGetItem', 'dynamodb:PutItem'], commitments.tableArn),
    openErasable(commitments),
  );
}

/** Reads the logs, and what the leaf of a record is salted with. */
export function proveEvidence(bucket: Bucket, commitments: Table): Grant {
  return all(read(bucket, LOGS), plain(['dynamodb:GetItem'], commitments.tableArn));
}

/** The items of the secrets that erasable documents are encrypted with. */
const ERASABLE = ['*#erasable#*', '*#communication#*'];

/** Opens what is encrypted. Of the secrets, those that can be destroyed at a customer's request. */
export function openErasable(commitments: Table): Grant {
  return all(ofItems(commitments, ['dynamodb:GetItem'], ERASABLE), query(commitments, KEY_INDEX));
}

/** The same, and makes such secrets. Changes and destroys none. */
export function encryptErasable(commitments: Table): Grant {
  const actions = ['dynamodb:GetItem', 'dynamodb:PutItem'];
  return all(ofItems(commitments, actions, ERASABLE), query(commitments, KEY_INDEX));
}

/**
 * Reads what is exported, looks for holds, destroys secrets, and leaves tombstones. Deletes of the archive only what was
 * refused before and has expired.
 */
export function erase(bucket: Bucket, key: Key, commitments: Table): Grant {
  return all(
    ofObjects(bucket, ['s3:GetObjectVersion'], [`${FOLDERS}*`]),
    lookAtLocks(bucket),
    destroyExpired(bucket),
    readHistory(bucket, FOLDERS),
    ofObjects(bucket, ['s3:PutObject', 's3:PutObjectRetention', 's3:GetObject'], ['erasure/*']),
    // of a folder, to tell what was destroyed from what may not be read
    list(bucket, '*.myshopify.com/', `${FOLDERS}*`, 'erasure/*'),
    plain(['kms:GenerateDataKey', 'kms:Decrypt'], key.keyArn),
    openErasable(commitments),
    ofItems(commitments, ['dynamodb:DeleteItem'], ERASABLE),
    // of the erasable secrets of a shop that is forgotten
    plain(['dynamodb:Scan'], commitments.tableArn),
  );
}

/** Exports, what came of requests, what waits to be printed, and which documents are erasable. */
export function eraseOperations(bucket: Bucket): Grant {
  return all(
    ofObjects(bucket, ['s3:GetObject'], ['config/*', 'privacy/*']),
    write(bucket, 'privacy/*', 'exports/*'),
    list(bucket, 'config/*', 'privacy/*', 'spool/*'),
    ofObjects(bucket, ['s3:DeleteObject'], ['spool/*', 'privacy/due/*']),
  );
}

/** Takes links back and deletes them. */
export function eraseLinks(table: Table): Grant {
  return plain(['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'], table.tableArn);
}

/** The secrets that Shopify signs privacy requests with, put by an operator. */
export function readAppSecrets(scope: Construct, prefix: string): Grant {
  const reason = 'One secret per app, put by an operator after the deployment.';
  return ofSecrets(scope, 'secretsmanager:GetSecretValue', `${prefix}/app-secrets-*`, reason);
}

/** Documents and records, each at the version that the ledger or a record names. */
export function readEvidence(bucket: Bucket, key: Key): Grant {
  return all(
    ofObjects(bucket, ['s3:GetObjectVersion'], ['*']),
    list(bucket, `${FOLDERS}*`),
    plain(['kms:Decrypt'], key.keyArn),
  );
}

/** Documents without their records, each at the version that a link names. */
export function readDocuments(bucket: Bucket, key: Key): Grant {
  return all(ofObjects(bucket, ['s3:GetObjectVersion'], [`${FOLDERS}document*`]), plain(['kms:Decrypt'], key.keyArn));
}

/** Records without their documents, and which there are of a day. */
export function readRecords(bucket: Bucket, key: Key): Grant {
  return all(
    ofObjects(bucket, ['s3:GetObjectVersion'], ['*/record.json']),
    list(bucket, '*.myshopify.com/????/??/??/*/'),
    plain(['kms:Decrypt'], key.keyArn),
  );
}

/** Claims and moves communications, takes back the claim of one that is not to be, and finds those of an order. */
export function keepLedger(table: Table): Grant {
  return all(keepItems(table), plain(['dynamodb:DeleteItem'], table.tableArn), query(table, RESOURCE_INDEX));
}

/** Finds all communications for a customer, by whatever they are reported on. */
export function findOfCustomer(table: Table): Grant {
  return query(table, CUSTOMER_INDEX);
}

/** Reads communications, by themselves and by their order. */
export function lookAt(table: Table): Grant {
  return all(plain(['dynamodb:GetItem'], table.tableArn), query(table, RESOURCE_INDEX));
}

/** Finds communications by everything that people know of them. */
export function search(table: Table): Grant {
  const indexes = [RESOURCE_INDEX, NAME_INDEX, CUSTOMER_INDEX, EMAIL_INDEX, UNDELIVERED_INDEX];
  const arns = indexes.map((index) => `${table.tableArn}/index/${index}`);
  return all(plain(['dynamodb:BatchGetItem', 'dynamodb:GetItem'], table.tableArn), plain(['dynamodb:Query'], ...arns));
}

/** Sees how much waits. */
export function countMessages(queues: Queue[]): Grant {
  return plain(['sqs:GetQueueAttributes'], ...queues.map(({ queueArn }) => queueArn));
}

/** Looks at dead letters, and takes them away once they are somewhere else, or discarded. */
export function workOffDeadLetters(deadLetters: Queue[]): Grant {
  return all(...deadLetters.map(consume));
}

/** Finds what feeds functions from their queues, and switches that off and on. */
export function pause(scope: Construct, functions: Handler[]): Grant {
  const stack = Stack.of(scope);
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  const resource = 'event-source-mapping';
  const mappings = stack.formatArn({ service: 'lambda', resource, resourceName: '*', arnFormat });
  const found = `arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:${resource}:*`;
  const conditions = { ArnEquals: { 'lambda:FunctionArn': functions.map(({ alias }) => alias.functionArn) } };
  return {
    statements: [
      new PolicyStatement({ actions: ['lambda:UpdateEventSourceMapping'], resources: [mappings], conditions }),
      // it takes no resource: it lists the mappings of the account
      new PolicyStatement({ actions: ['lambda:ListEventSourceMappings'], resources: ['*'] }),
    ],
    patterns: [
      pattern(found, 'The names of mappings are made when they are; the condition names the functions that they feed.'),
      pattern('*', 'ListEventSourceMappings has no resource.'),
    ],
  };
}

/** Sees what was counted. */
export function readMetrics(): Grant {
  return {
    statements: [new PolicyStatement({ sid: 'ReadMetrics', actions: ['cloudwatch:GetMetricData'], resources: ['*'] })],
    patterns: ['AwsSolutions-IAM5[Resource::*]', 'Serverless-LambdaStarPermissions'].map((id) => ({
      id,
      reason: 'GetMetricData has no resource.',
    })),
  };
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

/** Follows links and records that they were opened. Makes none and takes none back. */
export function followLinks(table: Table): Grant {
  return keepItems(table);
}

/** Changes what the ledger knows of recipients, such as that they want no marketing, and reads nothing. */
export function suppress(table: Table): Grant {
  return ofItems(table, ['dynamodb:UpdateItem'], ['recipient#*']);
}

/** Looks links up. */
export function readLinks(table: Table): Grant {
  return plain(['dynamodb:GetItem'], table.tableArn);
}

/** Makes links, takes them back and replaces them. */
export function publishLinks(table: Table): Grant {
  return plain(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], table.tableArn);
}

export function readSecret(secret: ISecret): Grant {
  return plain(['secretsmanager:GetSecretValue'], secret.secretArn);
}

/** The secrets of every shop. An operator puts them: their names are known, their random suffixes are not. */
export function readShopSecrets(scope: Construct, prefix: string): Grant {
  const reason = 'One secret per shop, put by an operator after the deployment.';
  return ofSecrets(scope, 'secretsmanager:GetSecretValue', `${prefix}/shop/*`, reason);
}

/** What the console shows an identity provider of the company's own. An operator puts it. */
export function readConsoleClient(scope: Construct, prefix: string): Grant {
  const reason = 'An operator puts it after the deployment, so its random suffix is not known.';
  return ofSecrets(scope, 'secretsmanager:GetSecretValue', `${prefix}/console-client-*`, reason);
}

/** Replaces the expiring token of a shop, in the secret that an operator put for it, and no other secret. */
export function renewShopTokens(scope: Construct, prefix: string): Grant {
  const reason = 'One token per shop that has an expiring one, put by an operator after the deployment.';
  return ofSecrets(scope, 'secretsmanager:PutSecretValue', `${prefix}/shop/*/token-*`, reason);
}

function ofSecrets(scope: Construct, action: string, resourceName: string, reason: string): Grant {
  const arn = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const found = `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${resourceName}`;
  return { ...plain([action], arn), patterns: [pattern(found, reason)] };
}

/** Puts events on a bus. */
export function putEvents(bus: IEventBus): Grant {
  return plain(['events:PutEvents'], bus.eventBusArn);
}

/** What Lambda needs to follow a table's changes in the function's name. */
export function readChanges(table: Table): Grant {
  if (table.tableStreamArn === undefined) throw new Error('the table has no stream');
  const actions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
  return plain(
    actions.map((action) => `dynamodb:${action}`),
    table.tableStreamArn,
  );
}

/** Keeps the schedules of a group as the configurations say. They act as `runRole`. */
export function keepSchedules(group: CfnScheduleGroup, runRole: Role): Grant {
  const stack = Stack.of(group);
  const schedules = stack.formatArn({
    service: 'scheduler',
    resource: 'schedule',
    resourceName: `${group.ref}/*`,
  });
  const found = `arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/<${stack.getLogicalId(group)}>/*`;
  const pass = new PolicyStatement({
    actions: ['iam:PassRole'],
    resources: [runRole.roleArn],
    conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
  });
  return {
    statements: [
      new PolicyStatement({
        actions: ['scheduler:CreateSchedule', 'scheduler:UpdateSchedule', 'scheduler:DeleteSchedule'],
        resources: [schedules],
      }),
      new PolicyStatement({ actions: ['scheduler:ListSchedules'], resources: ['*'] }),
      pass,
    ],
    patterns: [
      pattern(found, 'One schedule per shop and campaign, made from configurations after the deployment.'),
      pattern('*', 'scheduler:ListSchedules takes no resource: it lists the schedules of the account.'),
    ],
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

/** What names the keys that it asks for, where these begin so. */
function ofPrefixes(bucket: Bucket, action: string, prefixes: string[]): Grant {
  const conditions = { StringLike: { 's3:prefix': prefixes } };
  const statement = new PolicyStatement({ actions: [action], resources: [bucket.bucketArn], conditions });
  return { statements: [statement], patterns: [] };
}

/** Items whose keys are of this kind, and no others. */
function ofItems(table: Table, actions: string[], keys: string[]): Grant {
  const conditions = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } };
  const statement = new PolicyStatement({ actions, resources: [table.tableArn], conditions });
  return { statements: [statement], patterns: [] };
}

function ofObjects(bucket: Bucket, actions: string[], keys: string[]): Grant {
  return {
    statements: [new PolicyStatement({ actions, resources: keys.map((key) => bucket.arnForObjects(key)) })],
    patterns: keys.map((key) => objects(bucket, key)),
  };
}

function objects(bucket: Bucket, key: string): { id: string; reason: string } {
  const found = `${readFrom(bucket, bucket.bucketArn)}/${key}`;
  return pattern(found, 'Keys name shops, orders and webhooks, which are known only at run time.');
}

function pattern(resource: string, reason: string): { id: string; reason: string } {
  return { id: `AwsSolutions-IAM5[Resource::${resource}]`, reason };
}
