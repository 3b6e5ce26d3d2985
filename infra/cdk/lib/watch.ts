// How an alarm is made: named by the stack's prefix, quiet without data unless silence is what it is for, and notifying the
// topic, if there is one, when it begins and when it ends.

import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

export const PERIOD = Duration.minutes(5);

/** When a metric is too high. */
export interface Limit {
  /** More than this, in one period. */
  readonly most: number;
  /** Not at once, but where it is so in more than `most` of the latest periods. */
  readonly periods?: { readonly of: number; readonly most: number };
}

export class Watch {
  private readonly action?: SnsAction;

  constructor(
    private readonly scope: Construct,
    private readonly prefix: string,
    topicArn?: string,
    /** An emulator of AWS knows single metrics only, and refuses a stack with an alarm on an expression. */
    private readonly emulated = false,
  ) {
    if (topicArn !== undefined) this.action = new SnsAction(Topic.fromTopicArn(scope, 'Topic', topicArn));
  }

  above(id: string, metric: IMetric, description: string, { most, periods }: Limit = { most: 0 }): void {
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
  silent(id: string, metric: IMetric, periods: number, description: string): void {
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

  /** The percentage that `part` is of itself and `others`: 0 as long as it is less than `atLeast`. */
  share(part: Metric, others: Metric[], atLeast: number): MathExpression {
    const names = others.map((_, index) => `other${index}`);
    // a value is published only where something was counted
    const all = ['part', ...names].map((name) => `FILL(${name}, 0)`).join(' + ');
    return new MathExpression({
      expression: `IF(FILL(part, 0) >= ${atLeast}, 100 * FILL(part, 0) / (${all}), 0)`,
      usingMetrics: { part, ...Object.fromEntries(names.map((name, index) => [name, others[index] as Metric])) },
      period: part.period,
      label: 'percent',
    });
  }

  private alarm(id: string, props: AlarmProps): void {
    if (this.emulated && props.metric instanceof MathExpression) return;
    const alarm = new Alarm(this.scope, id, { ...props, alarmName: `${this.prefix}-${id}` });
    if (this.action === undefined) return;
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
  }
}
