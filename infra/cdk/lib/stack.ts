// Everything that works on what `data-stack.ts` keeps, for AWS and for the local run alike: what differs is in `Settings`.
// Shopify's bus → intake → one queue per flow → flow function → write-back queue → write-back. Into the flows' queues
// also go runs, which schedules start, and what reconcile finds; delivery-status reports what channels say later.

import { CfnOutput, Duration, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { EventBus, type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { AlarmGroups } from './alarm-groups.ts';
import { Alarms, type AlarmsProps } from './alarms.ts';
import { Console } from './console.ts';
import type { DataStack } from './data-stack.ts';
import { Dashboard } from './dashboard.ts';
import { DocumentsApi } from './documents.ts';
import { makeComputeKey } from './encryption.ts';
import { acknowledgeEverywhere } from './exceptions.ts';
import { ALIAS, Handler, type HandlerProps } from './function.ts';
import {
  byName,
  type FlowName,
  type FlowRow,
  FLOWS,
  OUTCOME_EVENTS,
  PRIVACY,
  RUNS,
  type RunName,
  type RunRow,
  WRITE_BACK,
} from './functions.ts';
import { pascal, upperSnake, webhooksRule } from './names.ts';
import { Network } from './network.ts';
import { People } from './people.ts';
import * as allow from './permissions.ts';
import { privacy, takePrivacyRequests } from './privacy.ts';
import { Queries } from './queries.ts';
import { inbox } from './queues.ts';
import { RollOut } from './roll-out.ts';
import { Schedules, type ScheduledPass } from './schedules.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';
import { timeStampEnvironment } from './time-stamps.ts';
import { traceEnvironment, traceLayers } from './traces.ts';

export interface CommunicationsStackProps extends StackProps {
  readonly settings: Settings;
  readonly data: DataStack;
}

/** The states that a communication ends in or waits for a person in: see `shared/comms/src/state.rs`. */
const SETTLED = ['accepted', 'archived', 'bounced', 'delivered', 'failed', 'suppressed', 'unknown'];

interface Handlers {
  readonly intake: Handler;
  readonly flows: Handler[];
  readonly runs: Readonly<Record<RunName, Handler>>;
  readonly writeBack: Handler;
  readonly archiveSeal: Handler;
  readonly deliveryStatus: Handler;
  readonly reconcile: Handler;
  readonly documents: Handler;
  readonly privacy: Handler;
  /** Only where a bus takes outcomes. */
  readonly outcomeEvents?: Handler;
  /** Only where a deployment wants a console. */
  readonly staffConsole?: Handler;
}

export class CommunicationsStack extends Stack {
  private readonly settings: Settings;
  private readonly data: DataStack;
  private readonly storage: Storage;
  /** Of the deployment's own, for logs, environments, buses and schedules. */
  private readonly key?: Key;
  private readonly network: Network;
  private readonly documentsHandler: Handler;
  private readonly api: DocumentsApi;
  private readonly console?: Console;
  /** Where outcomes are told. */
  private readonly outcomes?: IEventBus;

  constructor(scope: Construct, id: string, props: CommunicationsStackProps) {
    super(scope, id, props);
    this.settings = props.settings;
    this.data = props.data;
    this.storage = props.data.storage;
    acknowledgeEverywhere(this);
    for (const [key, value] of Object.entries(this.settings.costTags)) Tags.of(this).add(key, value);
    const { prefix, network, outcomeBus } = this.settings;
    if (this.settings.customerManagedKeys) this.key = makeComputeKey(this, this.settings);
    this.network = new Network(this, 'Network', {
      prefix,
      settings: network,
      putsEvents: outcomeBus !== undefined,
      hasConsole: this.settings.console !== undefined,
      key: this.key,
    });
    this.network.layers.push(...traceLayers(this, this.settings.traces));
    this.outcomes = this.outcomeBus();
    this.documentsHandler = this.documents();
    this.api = new DocumentsApi(this, 'DocumentsApi', {
      settings: this.settings,
      handler: this.documentsHandler,
      key: this.key,
    });

    if (this.settings.console !== undefined) {
      this.console = new Console(this, 'Console', {
        settings: this.settings,
        console: this.settings.console,
        logKey: this.key,
      });
    }

    const handlers: Handlers = {
      intake: this.intake(),
      flows: FLOWS.map((flow) => this.flow(flow)),
      runs: byName(RUNS, (run) => this.run(run)),
      writeBack: this.writeBack(),
      archiveSeal: this.archiveSeal(),
      deliveryStatus: this.deliveryStatus(),
      reconcile: this.reconcile(),
      documents: this.documentsHandler,
      privacy: this.privacy(),
      outcomeEvents: this.outcomeEvents(),
      staffConsole: this.staffConsole(),
    };
    const { intake, flows, runs, writeBack, archiveSeal, deliveryStatus, reconcile, documents } = handlers;
    const { outcomeEvents, staffConsole } = handlers;
    const scheduled = [archiveSeal, deliveryStatus, reconcile];
    const all = [intake, ...flows, ...Object.values(runs), writeBack, ...scheduled, documents, handlers.privacy];
    if (outcomeEvents !== undefined) all.push(outcomeEvents);
    if (staffConsole !== undefined) all.push(staffConsole);
    const { bus, rule } = this.receive(intake);
    const { everyMinutes } = this.settings;
    const passes = [
      { handler: archiveSeal, everyMinutes: everyMinutes.archiveSeal },
      { handler: deliveryStatus, everyMinutes: everyMinutes.deliveryStatus },
      { handler: reconcile, everyMinutes: everyMinutes.reconcile },
    ];
    const schedules = new Schedules(this, 'Schedules', {
      prefix: this.settings.prefix,
      runQueues: Object.values(this.data.runQueues).map(({ queue }) => queue),
      deadLetters: this.data.missedSchedules,
      functions: [...passes, { handler: handlers.privacy, everyMinutes: PRIVACY.everyMinutes }],
      paused: this.settings.schedulesPaused,
      dataKey: this.data.dataKey,
      key: this.key,
    });
    this.watch(handlers, passes, all, { rule, busName: bus.eventBusName }, schedules, this.api);
    const people = new People(this, 'People', {
      prefix: this.settings.prefix,
      storage: this.storage,
      queues: this.data.works().map(({ queue }) => queue),
      waiting: this.data.inboxes().map(({ queue }) => queue),
      deadLetters: this.data.deadLetters().map(({ queue }) => queue),
      intake,
      consumers: [...flows, ...Object.values(runs), writeBack, handlers.privacy],
      schedules,
      ownBus: 'create' in this.settings.bus ? bus : undefined,
      dataKey: this.data.dataKey,
      trusted: this.settings.trusted,
    });
    this.output(bus, schedules, people, all, this.api);
  }

  private watch(
    { intake, flows, runs, writeBack, archiveSeal, documents, outcomeEvents }: Handlers,
    passes: ScheduledPass[],
    all: Handler[],
    webhooks: AlarmsProps['webhooks'],
    schedules: Schedules,
    api: DocumentsApi,
  ): void {
    const { bus, silentHours, prefix, runbookUrl, alarmTopicArn: topicArn } = this.settings;
    const emulated = this.settings.endpointUrl !== undefined;
    const { data } = this;
    const watched = 'existing' in bus && bus.existing.startsWith('aws.partner/') && silentHours > 0;
    const { all: alarms } = new Alarms(this, 'Alarms', {
      prefix,
      intake,
      webhooks,
      // a partner bus is named like its source
      source: watched ? { name: bus.existing, silentHours } : undefined,
      topicArn,
      notifyEach: this.settings.notifyEachAlarm,
      runbookUrl,
      emulated,
      handlers: all,
      queues: [
        ...FLOWS.map(({ name, oldestSeconds }) => ({ work: data.flowQueues[name], oldestSeconds })),
        ...RUNS.map(({ name, oldestSeconds }) => ({ work: data.runQueues[name], oldestSeconds })),
        { work: data.writeBacks, oldestSeconds: WRITE_BACK.oldestSeconds },
        { work: data.privacyRequests, oldestSeconds: PRIVACY.oldestSeconds },
      ],
      deadLetters: data.lost().map(({ name, queue }) => ({ name: `${name}-dlq`, queue })),
      senders: flows,
      reporters: [writeBack],
      sealer: archiveSeal,
      documents: { handler: documents, apiId: api.apiId },
      outcomeEvents: outcomeEvents && { handler: outcomeEvents, oldestSeconds: OUTCOME_EVENTS.oldestSeconds },
      failed: this.settings.failedAlarm,
      statementRun: runs['statement-run'],
      offerRun: runs['offer-run'],
      scheduleGroups: { runs: schedules.group.ref, passes: schedules.passesGroup.ref },
      passes,
      recovered: {
        everyMinutes: this.settings.everyMinutes.reconcile,
        most: this.settings.recoveredAlarm,
      },
    });
    const shown = { prefix, runbookUrl, alarms };
    new Dashboard(this, 'Dashboard', { ...shown, handlers: all, flows, queues: data.works(), apiId: api.apiId });
    // an emulator of AWS refuses a stack with either
    if (emulated) return;
    new AlarmGroups(this, 'AlarmGroups', { ...shown, topicArn });
    new Queries(this, 'Queries', { prefix, handlers: all, accessLog: api.accessLog.logGroupName });
    const { canaryMinutes } = this.settings;
    if (canaryMinutes !== undefined) new RollOut(this, 'RollOut', { prefix, handlers: all, alarms, canaryMinutes });
  }

  private intake(): Handler {
    return this.handler({
      name: 'intake',
      environment: { EVENT_SOURCES: this.settings.eventSource, ...this.queueOfEachFlow() },
      grants: [
        allow.send(...this.queuesWithout('account-statements'), this.data.lostEvents),
        allow.read(this.storage.operations, 'config/*'),
        allow.write(this.storage.operations, 'work/*'),
      ],
    });
  }

  private flow({ name, batchSize: size, windowSeconds, batchConcurrency }: FlowRow): Handler {
    const { archive, archiveKey, commitments, operations, table, customerKey, links, linkKey } = this.storage;
    const work = this.data.flowQueues[name];
    const handler = this.handler({
      name,
      environment: {
        ...inbox(work),
        WRITE_BACK_QUEUE_URL: this.data.writeBacks.queue.queueUrl,
        BATCH_CONCURRENCY: String(batchConcurrency),
        RETRY_BASE_SECONDS: String(this.settings.retryBaseSeconds),
        ARCHIVE_LOCK_MODE: this.settings.lockMode,
        COMMITMENTS_TABLE_NAME: commitments.tableName,
        LINKS_TABLE_NAME: links.tableName,
        DOCUMENTS_URL: this.api.url,
      },
      grants: [
        allow.consume(work.queue),
        // to itself, where a channel refused a document and the next one is tried
        allow.send(this.data.writeBacks.queue, work.queue, work.deadLetters),
        allow.keepLedger(table),
        allow.archive(archive, archiveKey),
        allow.encryptErasable(commitments),
        allow.read(operations, 'config/*', 'work/*'),
        allow.write(operations, 'spool/*'),
        allow.readHistory(operations, 'spool/*'),
        allow.readShopSecrets(this, this.settings.prefix),
        allow.readSecret(customerKey),
        allow.publishLinks(links),
        allow.readSecret(linkKey),
      ],
    });
    handler.consume(work, { size, windowSeconds, maxConcurrency: this.settings.maxConcurrency[name] });
    return handler;
  }

  /** A run whose time ends sends itself a message, and continues with that one. */
  private run({ name, fills, batchSize: size, windowSeconds }: RunRow): Handler {
    const { operations } = this.storage;
    const work = this.data.runQueues[name];
    const flow = this.data.flowQueues[fills];
    // an offer's message is small, an account's orders may not fit into one
    const keys = name === 'statement-run' ? ['runs/*', 'work/*'] : ['runs/*'];
    const handler = this.handler({
      name,
      storageMegabytes: this.settings.runStorageMegabytes[name],
      environment: {
        ...inbox(work),
        FLOW_QUEUE_URL: flow.queue.queueUrl,
        RETRY_BASE_SECONDS: String(this.settings.retryBaseSeconds),
      },
      grants: [
        allow.consume(work.queue),
        allow.send(work.queue, work.deadLetters, flow.queue),
        allow.read(operations, 'config/*', ...keys),
        allow.write(operations, ...keys),
        allow.readShopSecrets(this, this.settings.prefix),
      ],
    });
    handler.consume(work, { size, windowSeconds, maxConcurrency: this.settings.runConcurrency[name] });
    return handler;
  }

  private writeBack(): Handler {
    const handler = this.handler({
      name: 'write-back',
      environment: {
        ...inbox(this.data.writeBacks),
        RETRY_BASE_SECONDS: String(this.settings.retryBaseSeconds),
        ARCHIVE_LOCK_MODE: this.settings.lockMode,
      },
      grants: [
        allow.consume(this.data.writeBacks.queue),
        allow.send(this.data.writeBacks.deadLetters),
        allow.updateLedger(this.storage.table),
        // what the function that everybody can reach tells of openings
        allow.addFacts(this.storage.archive, this.storage.archiveKey),
        allow.findRecords(this.storage.archive),
        allow.read(this.storage.operations, 'config/*'),
        allow.readShopSecrets(this, this.settings.prefix),
      ],
    });
    // reports on one resource that come together are one write
    const { writeBackConcurrency: maxConcurrency, writeBackWindowSeconds: windowSeconds } = this.settings;
    handler.consume(this.data.writeBacks, { size: WRITE_BACK.batchSize, maxConcurrency, windowSeconds });
    return handler;
  }

  private archiveSeal(): Handler {
    const { archive, archiveKey, logKey, commitments, operations } = this.storage;
    return this.handler({
      name: 'archive-seal',
      environment: {
        ARCHIVE_LOCK_MODE: this.settings.lockMode,
        LOG_KEY_ID: logKey.keyId,
        COMMITMENTS_TABLE_NAME: commitments.tableName,
        ...timeStampEnvironment(this.settings.timeStamps),
      },
      grants: [allow.sealEvidence(archive, archiveKey, logKey, commitments), allow.list(operations, 'config/*')],
    });
  }

  private deliveryStatus(): Handler {
    return this.handler({
      name: 'delivery-status',
      environment: {
        WRITE_BACK_QUEUE_URL: this.data.writeBacks.queue.queueUrl,
        ARCHIVE_LOCK_MODE: this.settings.lockMode,
        ...this.queueOfEachFlow(),
      },
      grants: [
        // what did not arrive is tried by the next channel
        allow.send(this.data.writeBacks.queue, ...this.queuesWithout()),
        allow.followUp(this.storage.table),
        allow.addFacts(this.storage.archive, this.storage.archiveKey),
        allow.read(this.storage.operations, 'config/*', 'print-status/*'),
        allow.write(this.storage.operations, 'print-status/*/done/*'),
        allow.readShopSecrets(this, this.settings.prefix),
      ],
    });
  }

  private reconcile(): Handler {
    return this.handler({
      name: 'reconcile',
      environment: this.queueOfEachFlow(),
      grants: [
        allow.send(...this.queuesWithout(...RUNS.map(({ fills }) => fills))),
        allow.lookUp(this.storage.table),
        allow.read(this.storage.operations, 'config/*'),
        allow.readShopSecrets(this, this.settings.prefix),
        allow.renewShopTokens(this, this.settings.prefix),
      ],
    });
  }

  /**
   * The one function that everybody can reach has the least of all: what links name, the links themselves, and what the
   * ledger knows of recipients, so that an unsubscription holds at once. It reads no communication.
   */
  private documents(): Handler {
    const { archive, archiveKey, commitments, links, table } = this.storage;
    return this.handler({
      name: 'documents',
      environment: {
        COMMITMENTS_TABLE_NAME: commitments.tableName,
        LINKS_TABLE_NAME: links.tableName,
        PRIVACY_QUEUE_URL: this.data.privacyRequests.queue.queueUrl,
        WRITE_BACK_QUEUE_URL: this.data.writeBacks.queue.queueUrl,
      },
      grants: [
        allow.followLinks(links),
        allow.readDocuments(archive, archiveKey),
        allow.openErasable(commitments),
        allow.suppress(table),
        allow.readAppSecrets(this, this.settings.prefix),
        allow.send(this.data.writeBacks.queue, this.data.privacyRequests.queue),
      ],
    });
  }

  private privacy(): Handler {
    const handler = this.handler(privacy(this.storage, this.settings, this.data.privacyRequests));
    takePrivacyRequests(handler, this.data.privacyRequests);
    return handler;
  }

  /**
   * Reads what people may see, queues what they decide, and records what they settle. It neither composes, sends nor archives a
   * document, and puts nothing but facts and entries of who read what.
   */
  private staffConsole(): Handler | undefined {
    const { console, data, settings, storage } = this;
    const { consoleKey } = data;
    if (console === undefined || consoleKey === undefined || settings.console === undefined) return undefined;
    const { archive, archiveKey, commitments, customerKey, linkKey, links, operations, table } = storage;
    const { provider } = console;
    const deadLetters = data.deadLetters();
    // by its name: a canary of intake waits for this function, too
    const intake = `${settings.prefix}-intake:${ALIAS}`;
    const handler = this.handler({
      name: 'staff-console',
      environment: {
        ...this.queueOfEachFlow(),
        WRITE_BACK_QUEUE_URL: this.data.writeBacks.queue.queueUrl,
        DEAD_LETTER_QUEUES: deadLetters.map(({ name, queue }) => `${name}=${queue.queueUrl}`).join(','),
        INTAKE_FUNCTION: intake,
        ARCHIVE_LOCK_MODE: settings.lockMode,
        COMMITMENTS_TABLE_NAME: commitments.tableName,
        DOCUMENTS_URL: this.api.url,
        LINKS_TABLE_NAME: links.tableName,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: provider.clientId,
        OIDC_ROLES_CLAIM: provider.rolesClaim,
        ...(provider.logOutUrl === undefined ? {} : { OIDC_LOG_OUT_URL: provider.logOutUrl }),
        ...(settings.console.confidential ? { OIDC_CLIENT_SECRET: 'true' } : {}),
        ...(settings.console.roles === undefined ? {} : { CONSOLE_ROLES: settings.console.roles }),
        // an emulator's API has another address, which the requests themselves name
        ...(settings.endpointUrl === undefined ? { CONSOLE_URL: console.url } : {}),
      },
      grants: [
        allow.search(table),
        allow.updateLedger(table),
        allow.readEvidence(archive, archiveKey),
        allow.openErasable(commitments),
        allow.recordAccess(archive, archiveKey),
        allow.holdKnown(archive, archiveKey),
        allow.proveEvidence(archive, commitments),
        allow.read(operations, 'config/*', 'runs/*'),
        allow.readVersions(operations, 'config/*'),
        allow.write(operations, 'audit/*'),
        allow.send(...data.inboxes().map(({ queue }) => queue)),
        allow.workOffDeadLetters(deadLetters.map(({ queue }) => queue)),
        allow.invokeNamed(this, intake),
        allow.readMetrics(),
        allow.readShopSecrets(this, settings.prefix),
        allow.readSecret(customerKey),
        allow.readSecret(consoleKey),
        allow.readLinks(links),
        allow.readSecret(linkKey),
        ...(settings.console.confidential ? [allow.readConsoleClient(this, settings.prefix)] : []),
      ],
    });
    console.serve(handler);
    return handler;
  }

  private outcomeBus(): IEventBus | undefined {
    const { outcomeBus: wanted, prefix } = this.settings;
    if (wanted === undefined) return undefined;
    const id = 'OutcomeBus';
    const name = 'existing' in wanted ? wanted.existing : `${prefix}-outcomes`;
    const existing = () =>
      name.startsWith('arn:') ? EventBus.fromEventBusArn(this, id, name) : EventBus.fromEventBusName(this, id, name);
    const bus = 'existing' in wanted ? existing() : new EventBus(this, id, { eventBusName: name, kmsKey: this.key });
    return bus;
  }

  /** Follows the ledger, so that whoever records an outcome makes no request more. */
  private outcomeEvents(): Handler | undefined {
    const { outcomes: bus, data } = this;
    const deadLetters = data.untoldOutcomes;
    if (bus === undefined || deadLetters === undefined) return undefined;
    const { table } = this.storage;
    const handler = this.handler({
      name: OUTCOME_EVENTS.name,
      environment: { OUTCOME_BUS: bus.eventBusArn, DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl },
      grants: [allow.readChanges(table), allow.putEvents(bus), allow.send(deadLetters)],
    });
    const { batchSize: size, windowSeconds } = OUTCOME_EVENTS;
    handler.follow(table, { size, windowSeconds, states: SETTLED, deadLetters });
    return handler;
  }

  /** The queues of all flows but those: what only a run fills, nobody else writes to. */
  private queuesWithout(...others: FlowName[]): Queue[] {
    return FLOWS.filter(({ name }) => !others.includes(name)).map(({ name }) => this.data.flowQueues[name].queue);
  }

  private queueOfEachFlow(): Record<string, string> {
    const entries = Object.values(this.data.flowQueues).map(({ name, queue }) => [
      `QUEUE_URL_${upperSnake(name)}`,
      queue.queueUrl,
    ]);
    return Object.fromEntries(entries);
  }

  private handler(props: Omit<HandlerProps, 'settings' | 'network' | 'dataKey' | 'key'>): Handler {
    const { settings, storage, network } = this;
    const common = {
      TABLE_NAME: storage.table.tableName,
      ARCHIVE_BUCKET: storage.archive.bucketName,
      OPERATIONS_BUCKET: storage.operations.bucketName,
      MAX_RETENTION_DAYS: String(settings.maxRetentionDays),
      SECRET_PREFIX: settings.prefix,
      CONFIG_TTL_SECONDS: String(settings.configTtlSeconds),
      LOG_LEVEL: settings.logLevel,
      // part of the user agent: CloudTrail and the local recording know the caller by it
      AWS_SDK_UA_APP_ID: props.name,
      ...(settings.endpointUrl === undefined ? {} : { AWS_ENDPOINT_URL: settings.endpointUrl }),
      ...network.environment,
      ...traceEnvironment(settings.traces),
    };
    return new Handler(this, pascal(props.name), {
      ...props,
      settings,
      network,
      dataKey: this.data.dataKey,
      key: this.key,
      environment: { ...common, ...props.environment },
    });
  }

  /** Two ways lead to the same dead-letter queue: EventBridge cannot invoke, or intake refuses the event. */
  private receive(intake: Handler): { bus: IEventBus; rule: Rule } {
    const { bus: wanted, prefix, eventSource, asyncRetries } = this.settings;
    const bus =
      'existing' in wanted
        ? EventBus.fromEventBusName(this, 'Bus', wanted.existing)
        : new EventBus(this, 'Bus', { eventBusName: prefix, kmsKey: this.key });
    const rule = new Rule(this, 'Webhooks', {
      ruleName: webhooksRule(prefix),
      eventBus: bus,
      description: 'Shopify webhooks to intake',
      eventPattern: { source: Match.anyOf(...sourcesOf(eventSource)), detailType: ['shopifyWebhook'] },
    });
    const target = new LambdaTarget(intake.alias, { maxEventAge: Duration.hours(24), retryAttempts: 185 });
    // the queue's own policy lets the rule in: what the target would add to it refers to this stack
    const deadLetterConfig = { arn: this.data.lostEvents.queueArn };
    rule.addTarget({ bind: (...of) => ({ ...target.bind(...of), deadLetterConfig }) });
    intake.whenAsynchronous({
      maximumRetryAttempts: asyncRetries,
      destinationConfig: { onFailure: { destination: this.data.lostEvents.queueArn } },
    });
    return { bus, rule };
  }

  /** A public interface, with the outputs of the other stack. */
  private output(
    bus: IEventBus,
    schedules: Schedules,
    people: People,
    handlers: Handler[],
    documents: DocumentsApi,
  ): void {
    const { settings } = this;
    const values: Record<string, string> = {
      BusName: bus.eventBusName,
      EventSource: settings.eventSource,
      SecretPrefix: settings.prefix,
      DocumentsUrl: documents.url,
      ScheduleGroup: schedules.group.ref,
      ScheduleRoleArn: schedules.runRole.roleArn,
    };
    if (this.outcomes !== undefined) values.OutcomeBusName = this.outcomes.eventBusName;
    if (this.console !== undefined) {
      values.ConsoleUrl = this.console.url;
      values.ConsoleIssuer = this.console.provider.issuer;
      if (this.console.domainTarget !== undefined) values.ConsoleDomainTarget = this.console.domainTarget;
    }
    if (documents.domainTarget !== undefined) values.DocumentsDomainTarget = documents.domainTarget;
    for (const { name, function: lambda } of handlers) {
      values[`Function${pascal(name)}`] = `${lambda.functionName}:${ALIAS}`;
      values[`Version${pascal(name)}`] = lambda.currentVersion.version;
    }
    for (const [person, role] of Object.entries(people.roles)) values[`Role${pascal(person)}`] = role.roleArn;
    for (const [key, value] of Object.entries(values)) new CfnOutput(this, key, { value });
  }
}

/** Each accepted source as a whole, and what is below it: `…/12` is not the beginning of `…/123`. */
function sourcesOf(accepted: string): string[][] {
  return accepted.split(',').flatMap((entry) => {
    const source = entry.trim().replace(/\/+$/, '');
    if (source === '') throw new Error('context eventSource: an entry is empty');
    return [Match.exactString(source), Match.prefix(`${source}/`)];
  });
}
