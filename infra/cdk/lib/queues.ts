// Queues and what is left of their messages. A function that gives a message up puts it into the dead-letter queue of its
// own queue, where it stays for the 14 days that SQS allows. What is delivered `maxReceiveCount` times moves there by itself:
// only what kills the function comes so far, as what waits for 13 days is delivered fewer times.

import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

const RETENTION = Duration.days(14);

export interface WorkQueue {
  readonly name: string;
  readonly queue: Queue;
  readonly deadLetters: Queue;
}

export interface WorkQueueProps {
  readonly name: string;
  readonly prefix: string;
  readonly functionTimeoutSeconds: number;
  /** How many time-outs of the function a message stays hidden. */
  readonly hiddenTimeouts: number;
  readonly maxReceiveCount: number;
  readonly removalPolicy: RemovalPolicy;
  /** Encrypts the messages, in the place of SQS's own key. */
  readonly key?: IKey;
}

export function workQueue(scope: Construct, id: string, props: WorkQueueProps): WorkQueue {
  const deadLetters = deadLetterQueue(
    scope,
    `${id}DeadLetters`,
    `${props.prefix}-${props.name}-dlq`,
    props.removalPolicy,
    props.key,
  );
  const queue = new Queue(scope, id, {
    queueName: `${props.prefix}-${props.name}`,
    ...encrypted(props.key),
    enforceSSL: true,
    visibilityTimeout: Duration.seconds(props.hiddenTimeouts * props.functionTimeoutSeconds),
    retentionPeriod: RETENTION,
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: props.maxReceiveCount },
    removalPolicy: props.removalPolicy,
  });
  return { name: props.name, queue, deadLetters };
}

/** Where a consumer finds its messages, and puts those that it gives up. */
export function inbox({ queue, deadLetters }: WorkQueue): Record<string, string> {
  return { QUEUE_URL: queue.queueUrl, DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl };
}

/** A data key serves for an hour: KMS is asked once in that time per sender, not for each batch. */
function encrypted(key: IKey | undefined) {
  if (key === undefined) return { encryption: QueueEncryption.SQS_MANAGED };
  return { encryption: QueueEncryption.KMS, encryptionMasterKey: key, dataKeyReuse: Duration.hours(1) };
}

export function deadLetterQueue(
  scope: Construct,
  id: string,
  name: string,
  removalPolicy: RemovalPolicy,
  key?: IKey,
): Queue {
  const queue = new Queue(scope, id, {
    queueName: name,
    ...encrypted(key),
    enforceSSL: true,
    retentionPeriod: RETENTION,
    removalPolicy,
  });
  Validations.of(queue).acknowledge({
    id: 'Serverless-SQSRedrivePolicy',
    reason: 'It is a dead-letter queue itself: an alarm tells a person of every message in it.',
  });
  return queue;
}
