// The whole system in one template, for AWS and for the local run alike: what differs is in `Settings`.
// Shopify's bus → intake → a queue a flow → flow function → write-back queue → write-back.

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { EventBus, type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { Handler, type HandlerProps } from './function.ts';
import * as allow from './permissions.ts';
import { deadLetterQueue, type WorkQueue, workQueue } from './queues.ts';
import type { Settings } from './settings.ts';
import { Storage } from './storage.ts';

export interface CommunicationsStackProps extends StackProps {
  readonly settings: Settings;
}

export class CommunicationsStack extends Stack {
  private readonly settings: Settings;
  private readonly storage: Storage;
  private readonly orderConfirmations: WorkQueue;
  private readonly writeBacks: WorkQueue;
  private readonly lostEvents: Queue;

  constructor(scope: Construct, id: string, props: CommunicationsStackProps) {
    super(scope, id, props);
    this.settings = props.settings;
    const { prefix, timeoutSeconds, maxConcurrency, writeBackWindowSeconds } = this.settings;
    const removalPolicy = this.settings.destroyable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;

    this.storage = new Storage(this, 'Storage', this.settings);
    this.orderConfirmations = workQueue(this, 'OrderConfirmationQueue', {
      name: 'order-confirmation',
      prefix,
      removalPolicy,
      maxReceiveCount: 5,
      functionTimeoutSeconds: timeoutSeconds.orderConfirmation,
    });
    this.writeBacks = workQueue(this, 'WriteBackQueue', {
      name: 'write-back',
      prefix,
      removalPolicy,
      maxReceiveCount: 10,
      functionTimeoutSeconds: timeoutSeconds.writeBack,
    });
    this.lostEvents = deadLetterQueue(this, 'IntakeDeadLetters', `${prefix}-intake-dlq`, removalPolicy);
    Validations.of(this.lostEvents).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself, of an EventBridge target and of asynchronous invocations.',
    });

    const intake = this.intake();
    const orderConfirmation = this.orderConfirmation();
    const writeBack = this.writeBack();
    orderConfirmation.consume(this.orderConfirmations, { size: 10, maxConcurrency, windowSeconds: 0 });
    // reports of one owner that come together are one write
    writeBack.consume(this.writeBacks, {
      size: 50,
      maxConcurrency: 2,
      windowSeconds: writeBackWindowSeconds,
    });
    const bus = this.receive(intake);

    new Alarms(this, 'Alarms', {
      topicArn: this.settings.alarmTopicArn,
      handlers: [intake, orderConfirmation, writeBack],
      queues: [
        { work: this.orderConfirmations, oldestSeconds: 900 },
        { work: this.writeBacks, oldestSeconds: 3600 },
      ],
      deadLetters: [
        { name: 'intake-dlq', queue: this.lostEvents },
        { name: 'order-confirmation-dlq', queue: this.orderConfirmations.deadLetters },
        { name: 'write-back-dlq', queue: this.writeBacks.deadLetters },
      ],
      senders: [orderConfirmation],
      reporters: [writeBack],
    });
    this.output(bus, [intake, orderConfirmation, writeBack]);
  }

  private intake(): Handler {
    return this.handler('Intake', {
      name: 'intake',
      timeoutSeconds: this.settings.timeoutSeconds.intake,
      environment: {
        EVENT_SOURCES: this.settings.eventSource,
        QUEUE_URL_ORDER_CONFIRMATION: this.orderConfirmations.queue.queueUrl,
      },
      grants: [
        allow.send(this.orderConfirmations.queue, this.lostEvents),
        allow.read(this.storage.operations, 'config/*'),
        allow.write(this.storage.operations, 'work/*'),
      ],
    });
  }

  private orderConfirmation(): Handler {
    const { archive, archiveKey, operations, table, customerKey } = this.storage;
    return this.handler('OrderConfirmation', {
      name: 'order-confirmation',
      timeoutSeconds: this.settings.timeoutSeconds.orderConfirmation,
      environment: {
        QUEUE_URL: this.orderConfirmations.queue.queueUrl,
        WRITE_BACK_QUEUE_URL: this.writeBacks.queue.queueUrl,
        BATCH_CONCURRENCY: '10',
        RETRY_BASE_SECONDS: String(this.settings.retryBaseSeconds),
        ARCHIVE_LOCK_MODE: this.settings.lockMode,
      },
      grants: [
        allow.consume(this.orderConfirmations.queue),
        allow.send(this.writeBacks.queue),
        allow.keepLedger(table),
        allow.archive(archive, archiveKey),
        allow.read(operations, 'config/*', 'work/*', 'spool/*'),
        allow.write(operations, 'spool/*'),
        allow.readShopSecrets(this, this.settings.prefix),
        allow.readSecret(customerKey),
      ],
    });
  }

  private writeBack(): Handler {
    return this.handler('WriteBack', {
      name: 'write-back',
      timeoutSeconds: this.settings.timeoutSeconds.writeBack,
      environment: {
        QUEUE_URL: this.writeBacks.queue.queueUrl,
        RETRY_BASE_SECONDS: String(this.settings.retryBaseSeconds),
      },
      grants: [
        allow.consume(this.writeBacks.queue),
        allow.updateLedger(this.storage.table),
        allow.read(this.storage.operations, 'config/*'),
        allow.readShopSecrets(this, this.settings.prefix),
      ],
    });
  }

  private handler(id: string, props: Omit<HandlerProps, 'settings'>): Handler {
    const { settings, storage } = this;
    const common = {
      TABLE_NAME: storage.table.tableName,
      ARCHIVE_BUCKET: storage.archive.bucketName,
      OPERATIONS_BUCKET: storage.operations.bucketName,
      SECRET_PREFIX: settings.prefix,
      CONFIG_TTL_SECONDS: String(settings.configTtlSeconds),
      LOG_LEVEL: settings.logLevel,
      ...(settings.endpointUrl === undefined ? {} : { AWS_ENDPOINT_URL: settings.endpointUrl }),
    };
    return new Handler(this, id, { ...props, settings, environment: { ...common, ...props.environment } });
  }

  /** Two ways lead to the same dead-letter queue: EventBridge cannot invoke, or intake refuses the event. */
  private receive(intake: Handler): IEventBus {
    const { bus: wanted, prefix, eventSource, asyncRetries } = this.settings;
    const bus =
      'existing' in wanted
        ? EventBus.fromEventBusName(this, 'Bus', wanted.existing)
        : new EventBus(this, 'Bus', { eventBusName: prefix });
    const rule = new Rule(this, 'Webhooks', {
      eventBus: bus,
      description: 'Shopify webhooks to intake',
      eventPattern: { source: Match.prefix(eventSource), detailType: ['shopifyWebhook'] },
    });
    rule.addTarget(
      new LambdaTarget(intake.function, {
        deadLetterQueue: this.lostEvents,
        maxEventAge: Duration.hours(24),
        retryAttempts: 185,
      }),
    );
    new CfnEventInvokeConfig(intake, 'Asynchronous', {
      functionName: intake.function.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: asyncRetries,
      destinationConfig: { onFailure: { destination: this.lostEvents.queueArn } },
    });
    return bus;
  }

  private output(bus: IEventBus, handlers: Handler[]): void {
    const { storage, settings } = this;
    const values: Record<string, string> = {
      BusName: bus.eventBusName,
      EventSource: settings.eventSource,
      SecretPrefix: settings.prefix,
      CustomerKeySecret: storage.customerKey.secretArn,
      TableName: storage.table.tableName,
      ArchiveBucket: storage.archive.bucketName,
      OperationsBucket: storage.operations.bucketName,
      QueueUrlOrderConfirmation: this.orderConfirmations.queue.queueUrl,
      DeadLetterUrlOrderConfirmation: this.orderConfirmations.deadLetters.queueUrl,
      QueueUrlWriteBack: this.writeBacks.queue.queueUrl,
      DeadLetterUrlWriteBack: this.writeBacks.deadLetters.queueUrl,
      DeadLetterUrlIntake: this.lostEvents.queueUrl,
    };
    for (const handler of handlers) {
      const name = handler.name.replaceAll(/(^|-)(\w)/g, (_match, _dash, letter: string) =>
        letter.toUpperCase(),
      );
      values[`Function${name}`] = handler.function.functionName;
    }
    for (const [key, value] of Object.entries(values)) new CfnOutput(this, key, { value });
  }
}
