// The rules of cdk-nag (AwsSolutions, Serverless, NIST 800-53 R5), checkov and cfn-lint that the template does not follow, and
// why. What concerns a single resource is said beside it, in `acknowledge`; what every resource of a type has in common is here.

import { Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export interface Exception {
  readonly id: string;
  readonly reason: string;
}

const NO_VPC =
  'The functions call AWS, Shopify and Exstream over TLS and nothing in a private network; a VPC would add gateways and ' +
  'addresses that can fail and protect nothing.';
const NO_FUNCTION_DLQ =
  'Work comes from SQS, whose queues have dead-letter queues; events for intake have an on-failure destination; what a ' +
  'pass did not do, the next one does.';
const NO_RESERVED_CONCURRENCY =
  'Event source mappings bound the concurrency of what works on queues; a reservation would take from the account what ' +
  'other functions need, and small accounts cannot make one.';
const LOGS_ENCRYPTED =
  'CloudWatch Logs encrypts every group with a key of AWS; lines name ids, fields and codes, never a customer.';
const SECRETS_ENCRYPTED =
  "Secrets Manager encrypts with the account's key for it; whoever may read the secret would get the right to the key too.";
const NO_REPLICATION =
  'Versions and Object Lock protect against deletion; a copy in another region is a decision about where personal data may be.';

/** Of cdk-nag, for every resource of a type. */
const EVERYWHERE: readonly Exception[] = [
  { id: 'NIST.800.53.R5-CloudWatchLogGroupEncrypted', reason: LOGS_ENCRYPTED },
  {
    id: 'NIST.800.53.R5-DynamoDBInBackupPlan',
    reason: 'Point-in-time recovery reaches back 35 days, to the second; a backup plan would be coarser.',
  },
  {
    id: 'NIST.800.53.R5-IAMNoInlinePolicy',
    reason: 'Each policy belongs to one role and goes with it; a managed one could be attached to others.',
  },
  { id: 'NIST.800.53.R5-LambdaConcurrency', reason: NO_RESERVED_CONCURRENCY },
  { id: 'NIST.800.53.R5-LambdaDLQ', reason: NO_FUNCTION_DLQ },
  { id: 'NIST.800.53.R5-LambdaInsideVPC', reason: NO_VPC },
  { id: 'NIST.800.53.R5-S3BucketReplicationEnabled', reason: NO_REPLICATION },
  { id: 'NIST.800.53.R5-SecretsManagerUsingKMSKey', reason: SECRETS_ENCRYPTED },
  {
    id: 'Serverless-LambdaAsyncFailureDestination',
    reason:
      'Of the functions that are invoked asynchronously, intake has one; what a pass did not do, the next one does.',
  },
  { id: 'Serverless-LambdaDLQ', reason: NO_FUNCTION_DLQ },
  {
    id: 'Serverless-LambdaEventSourceMappingDestination',
    reason:
      'The sources are SQS queues: their dead-letter queues take what fails, a mapping has no destination for it.',
  },
  {
    id: 'Serverless-LambdaTracing',
    reason: 'A line per communication and the ledger say where each is; traces would cost a request per message more.',
  },
];

export const NO_TOPIC: Exception = {
  id: 'NIST.800.53.R5-CloudWatchAlarmAction',
  reason: 'This deployment names no topic (context alarmTopic): its alarms are looked at, not sent.',
};

export const GROUPED: Exception = {
  id: NO_TOPIC.id,
  reason:
    'The composite alarm of its group notifies in its place, so that one cause is told once (context alarmNotify).',
};

export function acknowledgeEverywhere(scope: Construct): void {
  Validations.of(scope).acknowledge(...EVERYWHERE);
}

/** A finding of a linter that reads the synthesized template: `on` says of which resources, by their logical ids. */
export interface LinterException extends Exception {
  readonly on: RegExp;
}

export const CHECKOV: readonly LinterException[] = [
  {
    id: 'CKV_AWS_18',
    on: /^StorageOperations/,
    reason: 'It receives the access log of the archive; a bucket that logs its own access never comes to rest.',
  },
  {
    id: 'CKV_AWS_27',
    on: /Queue|DeadLetters/,
    reason:
      'SQS encrypts with its own keys (SqsManagedSseEnabled), which checkov does not count; KMS would be asked for each batch.',
  },
  { id: 'CKV_AWS_115', on: /Function/, reason: NO_RESERVED_CONCURRENCY },
  { id: 'CKV_AWS_116', on: /Function/, reason: NO_FUNCTION_DLQ },
  { id: 'CKV_AWS_117', on: /Function/, reason: NO_VPC },
  {
    id: 'CKV_AWS_119',
    on: /^Storage(Ledger|Links|Commitments)/,
    reason: "The table is encrypted with the account's key for DynamoDB; it holds ids and pseudonyms, no document.",
  },
  {
    id: 'CKV_AWS_28',
    on: /^StorageCommitments/,
    reason: 'A deleted secret must not come back: with it, what a leaf of the log was could be told again.',
  },
  { id: 'CKV_AWS_149', on: /^(Storage(CustomerKey|LinkKey)|ConsoleKey)/, reason: SECRETS_ENCRYPTED },
  { id: 'CKV_AWS_158', on: /Log/, reason: LOGS_ENCRYPTED },
  {
    id: 'CKV_AWS_173',
    on: /Function/,
    reason:
      'Variables name queues, buckets and times; secrets are read from Secrets Manager. Lambda encrypts them at rest.',
  },
];

export const CFN_LINT: readonly LinterException[] = [
  {
    id: 'W3005',
    on: /Function/,
    reason: 'CDK lets a function wait for its role as a whole, policies included, beside referring to it.',
  },
];
