// How an alarm is made: named by the stack's prefix, quiet without data unless silence is what it is for, and with the address
// of its section of the runbook. Where each alarm is to notify by itself, it tells the topic when it begins and when it ends.

import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Handler } from './function.ts';
import { address, entryOf } from './runbook.ts';

export const PERIOD = Duration.minutes(5);

/** What a function counts itself. */
export function ownMetric(handler: Handler, metricName: string, period = PERIOD): Metric {
  return new Metric({
    namespace: 'ShopifyExstream',
    metricName,
    dimensionsMap: { Function: handler.function.functionName },
    period,
    statistic: 'Sum',
  });
}

/** When a metric is too high. */
export interface Limit {
  /** More than this, in one period. */
  readonly most: number;
  /** Not at once, but where it is so in more than `most` of the latest periods. */
  readonly periods?: { readonly of: number; readonly most: number };
}

/** An alarm that was made, and what it looks at. */
export interface WatchedAlarm {
  /** Its name without the prefix. */
  readonly id: string;
  readonly alarm: Alarm;
  readonly metric: Metric | MathExpression;
}

export interface WatchProps {
  readonly prefix: string;
  /** Where the runbook is. */
  readonly runbookUrl: string;
  readonly topicArn?: string;
  /** Whether every alarm notifies the topic. One that belongs to no group does in any case. */
  readonly notifyEach: boolean;
  /** An emulator of AWS knows single metrics only, and refuses a stack with an alarm on an expression. */
  readonly emulated: boolean;
}

export class Watch {
  readonly alarms: WatchedAlarm[] = [];
  private readonly action?: SnsAction;

  constructor(
    private readonly scope: Construct,
    private readonly props: WatchProps,
  ) {
    const { topicArn } = props;
    if (topicArn !== undefined) this.action = new SnsAction(Topic.fromTopicArn(scope, 'Topic', topicArn));
  }

  above(
    id: string,
    metric: Metric | MathExpression,
    description: string,
    { most, periods }: Limit = { most: 0 },
  ): void {
    const { of, most: tolerated } = periods ?? { of: 1, most: 0 };
    this.alarm(id, {
      metric,
      threshold: most,
      evaluationPeriods: of,
      datapointsToAlarm: tolerated + 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description,
    });
  }

  /** Nothing was counted in any of the latest periods; where nothing happens, AWS publishes no value at all. */
  silent(id: string, metric: Metric, periods: number, description: string): void {
    this.alarm(id, {
      metric,
      threshold: 1,
      evaluationPeriods: periods,
      datapointsToAlarm: periods,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: description,
    });
  }

  /**
   * The percentage that `part` is of itself and `others`: 0 as long as it is less than `atLeast`. `name` tells the metrics of
   * one expression from those of another one on the same graph.
   */
  share(name: string, part: Metric, others: Metric[], atLeast: number): MathExpression {
    const id = (what: string) => `${name.replaceAll('-', '_')}_${what}`;
    const usingMetrics = Object.fromEntries([part, ...others].map((metric, index) => [id(`m${index}`), metric]));
    // a value is published only where something was counted
    const [failed, ...rest] = Object.keys(usingMetrics).map((name) => `FILL(${name}, 0)`);
    return new MathExpression({
      expression: `IF(${failed} >= ${atLeast}, 100 * ${failed} / (${[failed, ...rest].join(' + ')}), 0)`,
      usingMetrics,
      period: part.period,
      label: 'percent',
    });
  }

  private alarm(id: string, props: AlarmProps & { readonly metric: Metric | MathExpression }): void {
    const { prefix, runbookUrl, notifyEach, emulated } = this.props;
    if (emulated && props.metric instanceof MathExpression) return;
    const entry = entryOf(id);
    const more = entry === undefined ? '' : ` ${address(runbookUrl, entry.section)}`;
    const alarmDescription = `${props.alarmDescription}${more}`;
    const alarm = new Alarm(this.scope, id, { ...props, alarmDescription, alarmName: `${prefix}-${id}` });
    this.alarms.push({ id, alarm, metric: props.metric });
    if (this.action === undefined || (entry !== undefined && !notifyEach)) return;
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
  }
}
