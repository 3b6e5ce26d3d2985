// What a person has to look at. Each alarm says in its description what happened and what is still safe.

import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Metric,
  TreatMissingData,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Handler } from './function.ts';
import type { WorkQueue } from './queues.ts';
import type { Round } from './schedules.ts';

const PERIOD = Duration.minutes(5);

/** Trouble in so many of the latest rounds is no accident, however often rounds are made. */
const TROUBLED_ROUNDS = { of: 6, most: 2 };

/** When a metric is too high. */
interface Limit {
  /** More than this, in one period. */
  readonly most: number;
  readonly minutes: number;
  /** Not at once, but where it is so in more than `most` of the latest periods. */
  readonly periods?: { readonly of: number; readonly most: number };
}

export interface AlarmsProps {
  readonly topicArn?: string;
  readonly handlers: Handler[];
  /** Each with the time that its work may wait. */
  readonly queues: { readonly work: WorkQueue; readonly oldestSeconds: number }[];
  /** Dead-letter queues beside those of `queues`. */
  readonly deadLetters: { readonly name: string; readonly queue: Queue }[];
  /** Functions that may send without learning what became of it. */
  readonly senders: Handler[];
  /** Functions that tell Shopify what became of a document. */
  readonly reporters: Handler[];
  readonly statementRun: Handler;
  readonly rounds: Round[];
  /** Documents of a flow that no event had brought: more than these in the time of a round are too many. */
  readonly recovered: { readonly everyMinutes: number; readonly most: number };
}

export class Alarms extends Construct {
  private readonly action?: SnsAction;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    if (props.topicArn !== undefined) {
      this.action = new SnsAction(Topic.fromTopicArn(this, 'Topic', props.topicArn));
    }
    const ofWork = props.queues.map(({ work }) => ({ name: `${work.name}-dlq`, queue: work.deadLetters }));
    for (const { name, queue } of [...props.deadLetters, ...ofWork]) this.notEmpty(name, queue);
    for (const { work, oldestSeconds } of props.queues) this.late(work, oldestSeconds);
    for (const handler of props.handlers) {
      this.above(
        `${handler.name}-errors`,
        handler.function.metricErrors({ period: PERIOD, statistic: 'Sum' }),
        0,
        `${handler.name} failed as a whole; its work comes again.`,
      );
    }
    for (const handler of props.senders) {
      this.counted(handler, 'Unknown', 'A document may or may not have been sent: ask the channel.');
      this.counted(
        handler,
        'Failed',
        'A document was given up and was not sent. The ledger has the reason; trying again alone will not help.',
      );
      const { most, everyMinutes } = props.recovered;
      this.counted(
        handler,
        'Recovered',
        `Within ${everyMinutes} minutes more than ${most} documents of ${handler.name} were made that no event had ` +
          'brought: events get lost.',
        { most, minutes: everyMinutes },
      );
    }
    for (const handler of props.reporters) {
      this.counted(
        handler,
        'ReportRefused',
        'Shopify refused a report. The document is not affected; the ledger has the reason.',
      );
    }
    this.ofRuns(props.statementRun);
    for (const round of props.rounds) this.ofRounds(round);
  }

  private ofRuns(handler: Handler): void {
    this.counted(
      handler,
      'RunsFailed',
      'A statement run has failed. What it had queued is made; begun again, it makes nothing twice.',
    );
    this.counted(
      handler,
      'StatementsUnreadable',
      'Accounts of a statement run could not be read and get no statement. The log has their line numbers.',
    );
  }

  private ofRounds({ handler, everyMinutes }: Round): void {
    this.counted(
      handler,
      'Troubled',
      `Again and again ${handler.name} could not finish with a shop. The log says which and why.`,
      { most: 0, minutes: everyMinutes, periods: TROUBLED_ROUNDS },
    );
    this.counted(
      handler,
      'Problems',
      `Again and again ${handler.name} could not deal with something that is not a whole shop's trouble: an order or an ` +
        'item that cannot be read, a read or message that was refused. The log names each.',
      { most: 0, minutes: everyMinutes, periods: TROUBLED_ROUNDS },
    );
  }

  /** More of a metric that the function counts itself than is to be expected. */
  private counted(
    handler: Handler,
    metricName: string,
    description: string,
    limit: Limit = { most: 0, minutes: PERIOD.toMinutes() },
  ): void {
    const metric = new Metric({
      namespace: 'ShopifyExstream',
      metricName,
      dimensionsMap: { Function: handler.function.functionName },
      period: Duration.minutes(limit.minutes),
      statistic: 'Sum',
    });
    const name = metricName.replaceAll(/\B[A-Z]/g, '-$&').toLowerCase();
    this.above(`${handler.name}-${name}`, metric, limit.most, description, limit.periods);
  }

  private notEmpty(name: string, queue: Queue): void {
    const waiting = queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' });
    const description = `Messages in ${name}: work that was given up. Nothing was lost yet.`;
    this.above(`${name}-not-empty`, waiting, 0, description);
  }

  private late(work: WorkQueue, oldestSeconds: number): void {
    const age = work.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: 'Maximum' });
    this.above(
      `${work.name}-late`,
      age,
      oldestSeconds,
      `Work has waited in ${work.name} for ${oldestSeconds} s.`,
    );
  }

  private above(
    id: string,
    metric: IMetric,
    threshold: number,
    description: string,
    periods: Limit['periods'] = { of: 1, most: 0 },
  ): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold,
      evaluationPeriods: periods.of,
      datapointsToAlarm: periods.most + 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description,
    });
    if (this.action !== undefined) alarm.addAlarmAction(this.action);
  }
}
