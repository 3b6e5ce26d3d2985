// What a deployment keeps, in a stack of its own: the buckets, tables, keys and secrets of `Storage`, the queues with the work in
// them, the second copy and the backups. What works on it is another stack (`stack.ts`), which can be deleted and made again
// beside it. Nothing here refers to anything there. When this stack goes, what it made stays, and the next one adopts it.

import { ArnFormat, CfnOutput, Stack, type StackProps, Tags, Validations } from 'aws-cdk-lib';
import type { CfnBackupVault } from 'aws-cdk-lib/aws-backup';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { makeConsoleKey } from './console-key.ts';
import { type DataKey, makeDataKey } from './encryption.ts';
import { acknowledgeEverywhere } from './exceptions.ts';
import { byName, type FlowName, FLOWS, PRIVACY, type QueueRow, type RunName, RUNS, WRITE_BACK } from './functions.ts';
import { dataStackName, pascal, webhooksRule } from './names.ts';
import { deadLetterQueue, type WorkQueue, workQueue } from './queues.ts';
import { DailyBackup, Replication } from './second-copy.ts';
import type { Settings } from './settings.ts';
import { Storage } from './storage.ts';

export interface DataStackProps extends StackProps {
  readonly settings: Settings;
}

/** A dead-letter queue, by the name of what it is of. */
export interface DeadLetters {
  readonly name: string;
  readonly queue: Queue;
}

export class DataStack extends Stack {
  readonly storage: Storage;
  readonly flowQueues: Readonly<Record<FlowName, WorkQueue>>;
  readonly runQueues: Readonly<Record<RunName, WorkQueue>>;
  readonly writeBacks: WorkQueue;
  readonly privacyRequests: WorkQueue;
  /** Events that could not be brought to intake, or that it refused. */
  readonly lostEvents: Queue;
  readonly missedSchedules: Queue;
  /** Outcomes that could not be told. Only where a bus takes them. */
  readonly untoldOutcomes?: Queue;
  /** Only where there is a console. */
  readonly consoleKey?: Secret;
  /** What roles need a right on beside that on the data, where the deployment has keys of its own. */
  readonly dataKey?: DataKey;
  private readonly key?: Key;
  private readonly settings: Settings;

  constructor(scope: Construct, props: DataStackProps) {
    super(scope, dataStackName(props.settings.prefix), props);
    this.settings = props.settings;
    acknowledgeEverywhere(this);
    for (const [key, value] of Object.entries(this.settings.costTags)) Tags.of(this).add(key, value);
    if (this.settings.customerManagedKeys) this.key = makeDataKey(this, this.settings, this.webhooks());
    this.storage = new Storage(this, 'Storage', this.settings, this.key);
    this.dataKey = this.key && { key: this.key, operations: this.storage.operations };
    this.secondCopy();
    this.flowQueues = byName(FLOWS, (flow) => this.workQueue(flow));
    this.runQueues = byName(RUNS, (run) => this.workQueue(run));
    this.writeBacks = this.workQueue(WRITE_BACK);
    this.privacyRequests = this.workQueue(PRIVACY);
    this.lostEvents = this.lostAndFound(
      'IntakeDeadLetters',
      'intake-dlq',
      'It is a dead-letter queue itself, of an EventBridge target and of asynchronous invocations.',
    );
    this.takeUndeliveredEvents();
    this.missedSchedules = this.lostAndFound(
      'SchedulesDeadLetters',
      'schedules-dlq',
      'It is a dead-letter queue itself, of schedules.',
    );
    if (this.settings.outcomeBus !== undefined) {
      this.untoldOutcomes = this.lostAndFound(
        'OutcomeEventsDeadLetters',
        'outcome-events-dlq',
        'It is a dead-letter queue itself, of events that a bus did not take.',
      );
    }
    if (this.settings.console !== undefined) this.consoleKey = makeConsoleKey(this, this.settings, this.key);
    this.output();
  }

  /** What people may put work into and look at: the queues of all flows and runs, and of the reports. */
  works(): WorkQueue[] {
    return [...Object.values(this.flowQueues), ...Object.values(this.runQueues), this.writeBacks];
  }

  /** The same, and those of requests that only customers make: all that functions take work from. */
  inboxes(): WorkQueue[] {
    return [...this.works(), this.privacyRequests];
  }

  /** The dead-letter queues that belong to no other queue. */
  lost(): DeadLetters[] {
    return [
      { name: 'intake', queue: this.lostEvents },
      { name: 'schedules', queue: this.missedSchedules },
      ...(this.untoldOutcomes === undefined ? [] : [{ name: 'outcome-events', queue: this.untoldOutcomes }]),
    ];
  }

  /** Every dead-letter queue. */
  deadLetters(): DeadLetters[] {
    return [...this.inboxes().map(({ name, deadLetters }) => ({ name, queue: deadLetters })), ...this.lost()];
  }

  private secondCopy(): void {
    const { prefix, copy, backups, removal } = this.settings;
    const { archive, archiveKey, operations, table, links } = this.storage;
    if (copy !== undefined) new Replication(this, 'Replication', { prefix, copy, archive, archiveKey });
    if (backups === undefined) return;
    const tables = [table, links];
    const backup = new DailyBackup(this, 'Backup', { prefix, backups, operations, tables, removal: removal.data });
    new CfnOutput(this, 'BackupVault', { value: (backup.vault.node.defaultChild as CfnBackupVault).ref });
    new CfnOutput(this, 'BackupKey', { value: backup.key.keyId });
  }

  private workQueue({ name, hiddenTimeouts }: QueueRow): WorkQueue {
    return workQueue(this, `${pascal(name)}Queue`, {
      name,
      prefix: this.settings.prefix,
      functionTimeoutSeconds: this.settings.timeoutSeconds[name],
      hiddenTimeouts,
      maxReceiveCount: this.settings.maxReceiveCount,
      removalPolicy: this.settings.removal.data,
      key: this.key,
    });
  }

  /** A dead-letter queue that belongs to no queue. */
  private lostAndFound(id: string, name: string, reason: string): Queue {
    const { prefix, removal } = this.settings;
    const queue = deadLetterQueue(this, id, `${prefix}-${name}`, removal.data, this.key);
    Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason });
    return queue;
  }

  /** EventBridge puts by itself what it could not bring to intake. The rule is named, as it is made after the queue. */
  private takeUndeliveredEvents(): void {
    this.lostEvents.addToResourcePolicy(
      new PolicyStatement({
        sid: 'TakeUndeliveredEvents',
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.lostEvents.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': this.webhooks() } },
      }),
    );
  }

  /** The rule that brings Shopify's events. One of the default bus is named without it. */
  private webhooks(): string {
    const { bus, prefix } = this.settings;
    const named = 'existing' in bus ? bus.existing : prefix;
    return this.formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: named === 'default' ? webhooksRule(prefix) : `${named}/${webhooksRule(prefix)}`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }

  /**
   * A public interface, with the outputs of the other stack: the operator's command line, its users' scripts and the tests
   * read both as one. Each retained resource is among them by its `Ref`, from which `bin/adopt.ts` knows what to adopt.
   */
  private output(): void {
    const { storage, settings } = this;
    const values: Record<string, string> = {
      CustomerKeySecret: storage.customerKey.secretArn,
      TableName: storage.table.tableName,
      ArchiveBucket: storage.archive.bucketName,
      ArchiveKey: storage.archiveKey.keyId,
      LogKey: storage.logKey.keyId,
      CommitmentsTable: storage.commitments.tableName,
      OperationsBucket: storage.operations.bucketName,
      LinksTable: storage.links.tableName,
      LinkKeySecret: storage.linkKey.secretArn,
      MaxRetentionDays: String(settings.maxRetentionDays),
      LockMode: settings.lockMode,
      ScheduleDeadLetterArn: this.missedSchedules.queueArn,
    };
    if (this.key !== undefined) values.DataKey = this.key.keyId;
    if (storage.accessLogs !== undefined) values.AccessLogsBucket = storage.accessLogs.bucketName;
    if (this.consoleKey !== undefined) values.ConsoleKeySecret = this.consoleKey.secretArn;
    for (const { name, queue } of Object.values(this.runQueues)) values[`QueueArn${pascal(name)}`] = queue.queueArn;
    for (const { name, queue } of this.inboxes()) values[`QueueUrl${pascal(name)}`] = queue.queueUrl;
    for (const { name, queue } of this.deadLetters()) values[`DeadLetterUrl${pascal(name)}`] = queue.queueUrl;
    for (const [key, value] of Object.entries(values)) new CfnOutput(this, key, { value });
  }
}
