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

const PERIOD = Duration.minutes(5);

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
  /** Functions that go round all shops. */
  readonly rounds: Handler[];
  readonly reconcile: { readonly handler: Handler; readonly everyMinutes: number; readonly most: number };
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
    }
    for (const handler of props.reporters) {
      this.counted(
        handler,
        'ReportRefused',
        'Shopify refused a report. The document is not affected; the ledger has the reason.',
      );
    }
    this.ofRuns(props.statementRun);
    this.ofRounds(props.rounds, props.reconcile);
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

  private ofRounds(rounds: Handler[], { handler, everyMinutes, most }: AlarmsProps['reconcile']): void {
    for (const round of rounds) {
      this.counted(
        round,
        'Troubled',
        `Again and again ${round.name} could not finish with a shop. The log says which and why.`,
        { most: 3, minutes: 60 },
      );
    }
    this.counted(
      handler,
      'Recovered',
      `More than ${most} communications had to be recovered: events get lost. The documents are made.`,
      { most, minutes: everyMinutes },
    );
  }

  /** More of a metric that the function counts itself than is to be expected. */
  private counted(
    handler: Handler,
    metricName: string,
    description: string,
    { most, minutes } = { most: 0, minutes: PERIOD.toMinutes() },
  ): void {
    const metric = new Metric({
      namespace: 'ShopifyExstream',
      metricName,
      dimensionsMap: { Function: handler.function.functionName },
      period: Duration.minutes(minutes),
      statistic: 'Sum',
    });
    const name = metricName.replaceAll(/\B[A-Z]/g, '-$&').toLowerCase();
    this.above(`${handler.name}-${name}`, metric, most, description);
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

  private above(id: string, metric: IMetric, threshold: number, description: string): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description,
    });
    if (this.action !== undefined) alarm.addAlarmAction(this.action);
  }
}
