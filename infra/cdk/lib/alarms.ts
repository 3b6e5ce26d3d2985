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

/** A metric that the function counts itself. */
const own = (handler: Handler, metricName: string): Metric =>
  new Metric({
    namespace: 'ShopifyExstream',
    metricName,
    dimensionsMap: { Function: handler.function.functionName },
    period: PERIOD,
    statistic: 'Sum',
  });

export interface AlarmsProps {
  readonly topicArn?: string;
  readonly handlers: Handler[];
  readonly queues: { readonly work: WorkQueue; readonly oldestSeconds: number }[];
  readonly deadLetters: { readonly name: string; readonly queue: Queue }[];
  /** Functions that may send without learning what became of it. */
  readonly senders: Handler[];
  /** Functions that tell Shopify what became of a document. */
  readonly reporters: Handler[];
}

export class Alarms extends Construct {
  private readonly action?: SnsAction;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    if (props.topicArn !== undefined) {
      this.action = new SnsAction(Topic.fromTopicArn(this, 'Topic', props.topicArn));
    }
    for (const { name, queue } of props.deadLetters) {
      const waiting = queue.metricApproximateNumberOfMessagesVisible({
        period: PERIOD,
        statistic: 'Maximum',
      });
      this.above(
        `${name}-not-empty`,
        waiting,
        0,
        `Messages in ${name}: work that was given up. Nothing was lost yet.`,
      );
    }
    for (const handler of props.handlers) {
      const errors = handler.function.metricErrors({ period: PERIOD, statistic: 'Sum' });
      this.above(
        `${handler.name}-errors`,
        errors,
        0,
        `${handler.name} failed as a whole; its messages come again.`,
      );
    }
    for (const { work, oldestSeconds } of props.queues) {
      const age = work.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: 'Maximum' });
      this.above(
        `${work.name}-late`,
        age,
        oldestSeconds,
        `Work has waited in ${work.name} for ${oldestSeconds} s.`,
      );
    }
    for (const handler of props.senders) {
      this.above(
        `${handler.name}-unknown`,
        own(handler, 'Unknown'),
        0,
        'A document may or may not have been sent: ask the channel.',
      );
      this.above(
        `${handler.name}-failed`,
        own(handler, 'Failed'),
        0,
        'A document was given up and was not sent. The ledger has the reason; trying again alone will not help.',
      );
    }
    for (const handler of props.reporters) {
      this.above(
        `${handler.name}-report-refused`,
        own(handler, 'ReportRefused'),
        0,
        'Shopify refused a report. The document is not affected; the ledger has the reason.',
      );
    }
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
