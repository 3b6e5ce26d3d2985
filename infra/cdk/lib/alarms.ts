// What a person has to look at. Each alarm's description says what happened and what to do; docs/runbook.md has more.
// `watch.ts` makes the alarms themselves, `runbook.ts` says what each belongs to.

import { Duration, Validations } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Rule } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { GROUPED, NO_TOPIC } from './exceptions.ts';
import type { Handler } from './function.ts';
import type { WorkQueue } from './queues.ts';
import type { ScheduledPass } from './schedules.ts';
import { type Limit, ownMetric, PERIOD, Watch, type WatchedAlarm } from './watch.ts';

/** Trouble in so many of the latest passes is no accident, however often passes are made. */
const FAILED_PASSES = { of: 6, most: 2 };

/** The same of periods, for what a burst may cause and nobody has to look at. */
const LASTING = { of: 6, most: 2 };

/** An invocation that takes more than this share of its time-out is about to be cut off. */
const NEAR_TIMEOUT = 0.8;

/** Everything a flow function counts a settled document as, beside `Failed`. */
const SETTLED_OTHERWISE = ['Accepted', 'Archived', 'Suppressed', 'Unknown'];

export interface AlarmsProps {
  readonly prefix: string;
  readonly emulated: boolean;
  readonly topicArn?: string;
  readonly notifyEach: boolean;
  readonly runbookUrl: string;
  readonly handlers: Handler[];
  readonly intake: Handler;
  /** Brings events to intake. */
  readonly webhooks: { readonly rule: Rule; readonly busName: string };
  /** The partner event source, and the hours after which its silence is an alarm. */
  readonly source?: { readonly name: string; readonly silentHours: number };
  /** Each with the time that its work may wait. */
  readonly queues: { readonly work: WorkQueue; readonly oldestSeconds: number }[];
  /** Dead-letter queues beside those of `queues`. */
  readonly deadLetters: { readonly name: string; readonly queue: Queue }[];
  /** Functions that make documents, and may send without learning what became of it. */
  readonly senders: Handler[];
  /** Percentage of a flow's documents that may fail, and how many failures are too few to speak of a share. */
  readonly failed: { readonly mostPercent: number; readonly atLeast: number };
  /** Functions that tell Shopify what became of a document. */
  readonly reporters: Handler[];
  /** Keeps the logs of the evidence, and finds what is wrong with it. */
  readonly sealer: Handler;
  /** What customers open, and the API in front of it. */
  readonly documents: { readonly handler: Handler; readonly apiId: string };
  /** Tells outcomes, and the time that one may wait. Only where a bus takes them. */
  readonly outcomeEvents?: { readonly handler: Handler; readonly oldestSeconds: number };
  readonly statementRun: Handler;
  readonly offerRun: Handler;
  /** Names of the schedules' groups. */
  readonly scheduleGroups: { readonly runs: string; readonly passes: string };
  readonly passes: ScheduledPass[];
  /** Recovered documents of a flow, whose events were missed: more than these in one period are too many. */
  readonly recovered: { readonly everyMinutes: number; readonly most: number };
}

export class Alarms extends Construct {
  private readonly watch: Watch;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AlarmsProps,
  ) {
    super(scope, id);
    this.watch = new Watch(this, props);
    if (props.topicArn === undefined) Validations.of(this).acknowledge(NO_TOPIC);
    else if (!props.notifyEach) Validations.of(this).acknowledge(GROUPED);
    const ofWork = props.queues.map(({ work }) => ({ name: `${work.name}-dlq`, queue: work.deadLetters }));
    for (const { name, queue } of [...props.deadLetters, ...ofWork]) this.notEmpty(name, queue);
    for (const { work, oldestSeconds } of props.queues) this.late(work, oldestSeconds);
    for (const handler of props.handlers) this.ofFunction(handler);
    for (const handler of props.handlers) if (this.hasQueue(handler)) this.overdue(handler);
    this.ofEvents();
    for (const handler of props.senders) this.ofSender(handler);
    for (const handler of props.reporters) {
      this.counted(
        handler,
        'ReportRefused',
        'Shopify refused a report permanently. The document is not affected. `ctl status` has the reason.',
      );
    }
    this.ofSealer(props.sealer);
    this.ofDocuments();
    this.ofOutcomeEvents();
    this.ofStatementRun(props.statementRun);
    this.ofOfferRun(props.offerRun);
    for (const run of [props.statementRun, props.offerRun]) this.ofRun(run);
    for (const [what, group] of Object.entries(props.scheduleGroups)) this.ofSchedules(what, group);
    for (const pass of props.passes) this.ofPasses(pass);
  }

  get all(): readonly WatchedAlarm[] {
    return this.watch.alarms;
  }

  private ofFunction(handler: Handler): void {
    const { name, function: lambda } = handler;
    this.watch.above(
      `${name}-errors`,
      lambda.metricErrors({ period: PERIOD, statistic: 'Sum' }),
      `${name} failed as a whole. Its work is delivered again. The log has the reason.`,
    );
    this.watch.above(
      `${name}-throttled`,
      lambda.metricThrottles({ period: PERIOD, statistic: 'Sum' }),
      `Lambda does not let ${name} run as often as there is work. The work waits. Raise the account's concurrency limit, ` +
        'or lower maxConcurrency.',
      { most: 0, periods: LASTING },
    );
    if (!this.endsInTime(handler)) {
      this.watch.above(
        `${name}-slow`,
        lambda.metricDuration({ period: PERIOD, statistic: 'p99' }),
        `Invocations of ${name} take more than 80 % of its time-out. What is cut off is delivered again. Is Exstream or ` +
          'Shopify slow? Raise its time-out (context) if that lasts.',
        { most: handler.timeoutSeconds * 1000 * NEAR_TIMEOUT, periods: LASTING },
      );
    }
  }

  /**
   * Runs and passes use the time they have and leave the rest to the next invocation; they count themselves what they
   * could not do.
   */
  private endsInTime(handler: Handler): boolean {
    const { statementRun, offerRun, passes } = this.props;
    return [statementRun, offerRun, ...passes.map((pass) => pass.handler)].includes(handler);
  }

  /** An event reaches intake, or a dead-letter queue; here is what reaches neither, or is never sent. */
  private ofEvents(): void {
    const { intake, webhooks, source } = this.props;
    // the record wraps the event: of the 1,048,576 bytes that a message may have, a payload takes 1,000,000 at most
    this.watch.above(
      'intake-refusal-lost',
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'DestinationDeliveryFailures',
        dimensionsMap: { FunctionName: intake.function.functionName },
        period: PERIOD,
        statistic: 'Sum',
      }),
      'An event that intake refused could not be put into intake-dlq: a right is missing, or it is too large. It is lost to the ' +
        "system. Intake's log has the reason of the refusal; reconcile looks for what it was about, `ctl send` delivers it again.",
    );
    this.watch.above(
      'webhooks-lost',
      new Metric({
        namespace: 'AWS/Events',
        metricName: 'InvocationsFailedToBeSentToDlq',
        // EventBridge counts by both where the bus is not the default one
        dimensionsMap: { EventBusName: webhooks.busName, RuleName: webhooks.rule.ruleName },
        period: PERIOD,
        statistic: 'Sum',
      }),
      'An event reached neither intake nor intake-dlq. It is lost to the system. Check the rule and the ' +
        "queue's policy; reconcile looks for what it was about, `ctl send` delivers it again.",
    );
    if (source !== undefined) {
      this.watch.silent(
        'source-silent',
        // the one metric of partner events that is published before any rule: silence is the source's, not the rule's
        new Metric({
          namespace: 'AWS/Events',
          metricName: 'Events',
          dimensionsMap: { EventSourceName: source.name },
          period: Duration.hours(1),
          statistic: 'Sum',
        }),
        source.silentHours,
        `Shopify has sent no event for ${source.silentHours} hours. Is the partner event source ACTIVE, is the app ` +
          'installed, are the webhook subscriptions there? Reconcile finds part of what is missed.',
      );
    }
  }

  private ofSender(handler: Handler): void {
    const { mostPercent, atLeast } = this.props.failed;
    this.counted(handler, 'Unknown', 'A document may or may not have been sent. Ask the channel, then `ctl settle`.');
    this.counted(
      handler,
      'BecameIll',
      `Half of the latest answers of Exstream or Core Messaging to ${handler.name} were failures, for one shop at least. Its work ` +
        'waits, and continues by itself. `ctl status` says which shop and service.',
    );
    const minutes = 15;
    const period = Duration.minutes(minutes);
    this.watch.above(
      `${handler.name}-failed`,
      this.watch.share(
        handler.name,
        ownMetric(handler, 'Failed', period),
        SETTLED_OTHERWISE.map((name) => ownMetric(handler, name, period)),
        atLeast,
      ),
      `Of the documents of ${handler.name} that were settled within ${minutes} minutes, more than ${mostPercent} % were given ` +
        'up and not sent. `ctl status` has the reasons; trying again alone will not help.',
      { most: mostPercent },
    );
    const { most, everyMinutes } = this.props.recovered;
    this.counted(
      handler,
      'Recovered',
      `Within ${everyMinutes} minutes more than ${most} documents of ${handler.name} were made for missed ` +
        'events. Are the webhook subscriptions of this flow still there?',
      { most, minutes: everyMinutes },
    );
  }

  private ofDocuments(): void {
    const { handler, apiId } = this.props.documents;
    this.counted(
      handler,
      'NotShown',
      'Published documents could not be shown to customers. The log names each and the reason: the table of links, the ' +
        'archive, or a document that is not what its record says.',
    );
    this.counted(
      handler,
      'NotFound',
      'Many requests asked for links that nobody has: somebody guesses, or broken links were sent. See docs/web-channel.md.',
      { most: 300 },
    );
    this.watch.above(
      'documents-api-failures',
      new Metric({
        namespace: 'AWS/ApiGateway',
        metricName: '5xx',
        dimensionsMap: { ApiId: apiId },
        period: PERIOD,
        statistic: 'Sum',
      }),
      'Customers got errors in place of their documents. Is there an alarm on the function documents? Otherwise the API may ' +
        'not invoke it, or it did not answer in time.',
      { most: 0, periods: LASTING },
    );
  }

  private ofOutcomeEvents(): void {
    if (this.props.outcomeEvents === undefined) return;
    const { handler, oldestSeconds } = this.props.outcomeEvents;
    this.watch.above(
      'outcome-events-late',
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'IteratorAge',
        dimensionsMap: { FunctionName: handler.function.functionName },
        period: PERIOD,
        statistic: 'Maximum',
      }),
      `Outcomes have waited for more than ${oldestSeconds} s to be told. Does the bus take events? The log has the reason. After six ` +
        'hours they become dead letters.',
      { most: oldestSeconds * 1000 },
    );
  }

  private ofSealer(handler: Handler): void {
    this.counted(
      handler,
      'EvidenceMissing',
      'Archived objects are not there any more. The log of archive-seal names each.',
    );
    this.counted(
      handler,
      'EvidenceAltered',
      'Somebody overwrote or deleted archived objects, or the log of a shop contradicts itself. First versions are locked and still ' +
        'there. The log of archive-seal names each.',
    );
    this.counted(
      handler,
      'Unstamped',
      'The time-stamping authority gave no time-stamp, or a wrong one. Sealing continues without; each pass asks again. The log of ' +
        'archive-seal has the reason.',
    );
  }

  private ofStatementRun(handler: Handler): void {
    this.counted(
      handler,
      'RunsFailed',
      'A statement run has failed. Documents that it had queued are made. Its state says why it failed; `ctl run` ' +
        'resumes it and makes nothing twice.',
    );
    this.counted(
      handler,
      'StatementsUnreadable',
      "Accounts of a statement run could not be read and get no statement. The run's state names them.",
    );
    this.counted(
      handler,
      'BatchOutputsUnproven',
      'Exstream returned outputs of a batch job that do not prove whose they are. Their documents are composed one by one, ' +
        'so none is lost or mixed up. Have the template fixed.',
      { most: 0, minutes: 60 },
    );
    this.counted(
      handler,
      'BatchOutputsMissing',
      'A finished batch job of Exstream lacks outputs. Their documents are composed one by one.',
      { most: 0, minutes: 60 },
    );
  }

  private ofOfferRun(handler: Handler): void {
    this.counted(
      handler,
      'MembersUnreadable',
      'Members of an audience could not be read and get no offer. The log names them.',
    );
  }

  /** A run that fails is delivered again for half an hour or days; a person may hear of it before it is given up. */
  private ofRun(handler: Handler): void {
    this.counted(
      handler,
      'Retried',
      `A ${handler.name.replace('-', ' ')} has failed more than four times in an hour. The log has the ` +
        'reason: often a credential, a scope or an outage.',
      { most: 4, minutes: 60 },
    );
  }

  private ofSchedules(what: string, group: string): void {
    const metric = (metricName: string) =>
      new Metric({
        namespace: 'AWS/Scheduler',
        metricName,
        dimensionsMap: { ScheduleGroup: group },
        period: PERIOD,
        statistic: 'Sum',
      });
    const after = `Its target has not been started. ${
      what === 'runs' ? 'Start the run with `ctl run`.' : 'The next pass does its work.'
    }`;
    this.watch.above(
      `schedules-${what}-dropped`,
      metric('InvocationDroppedCount'),
      `A schedule of the ${what} was given up. ${after} schedules-dlq has the reason.`,
    );
    this.watch.above(
      `schedules-${what}-refused`,
      metric('TargetErrorCount'),
      `The target of a schedule of the ${what} refuses it again and again. Does the target exist, may the role call it? ` +
        'Scheduler tries again before it gives up.',
      { most: 0, periods: LASTING },
    );
    this.watch.above(
      `schedules-${what}-lost`,
      metric('InvocationsFailedToBeSentToDeadLetterCount'),
      `A schedule of the ${what} was given up, and schedules-dlq did not take it. ${after}`,
    );
  }

  private ofPasses({ handler, everyMinutes }: ScheduledPass): void {
    this.counted(
      handler,
      'FailedShops',
      `${handler.name} could not finish the pass over a shop, again and again. The log says which and why.`,
      { most: 0, minutes: everyMinutes, periods: FAILED_PASSES },
    );
    this.counted(
      handler,
      'Problems',
      `${handler.name} could not handle single things, again and again: an order or an item that cannot be read, a read ` +
        'or message that was refused. The log names each.',
      { most: 0, minutes: everyMinutes, periods: FAILED_PASSES },
    );
  }

  /** More of a metric that the function counts itself than is to be expected. */
  private counted(
    handler: Handler,
    metricName: string,
    description: string,
    limit: Limit & { readonly minutes?: number } = { most: 0 },
  ): void {
    const name = metricName.replaceAll(/\B[A-Z]/g, '-$&').toLowerCase();
    const metric = ownMetric(handler, metricName, Duration.minutes(limit.minutes ?? PERIOD.toMinutes()));
    this.watch.above(`${handler.name}-${name}`, metric, description, limit);
  }

  private notEmpty(name: string, queue: Queue): void {
    this.watch.above(
      `${name}-not-empty`,
      queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
      `Messages in ${name}: work that was given up, and is kept for 14 days. Give it back once the cause is fixed.`,
    );
  }

  private hasQueue({ name }: Handler): boolean {
    return this.props.queues.some(({ work }) => work.name === name);
  }

  private overdue(handler: Handler): void {
    this.counted(
      handler,
      'Overdue',
      `Work of ${handler.name} has failed for more than an hour for a reason that may pass by itself: an outage, a credential, ` +
        'a setting. It waits, and continues once the cause is gone. The log has the reason.',
    );
  }

  private late(work: WorkQueue, oldestSeconds: number): void {
    this.watch.above(
      `${work.name}-late`,
      work.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: 'Maximum' }),
      `Work has waited in ${work.name} for more than ${oldestSeconds} s. Is Exstream or Shopify slow, is maxConcurrency too ` +
        'small?',
      { most: oldestSeconds },
    );
  }
}
