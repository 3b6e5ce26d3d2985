// What happens by the clock. Runs: one schedule per shop and campaign, in the shop's time zone, made by the operator's
// command line from the shop's configuration; here is only what they need, a group and a role. Functions that pass
// over all shops every few minutes: one schedule each. What a schedule cannot deliver stays in a dead-letter queue.

import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type DataKey, through, withKey } from './encryption.ts';
import type { Handler } from './function.ts';
import { pascal } from './names.ts';
import * as allow from './permissions.ts';
import type { Grant } from './permissions.ts';

/** A function that passes over all shops again and again. */
export interface ScheduledPass {
  readonly handler: Handler;
  readonly everyMinutes: number;
}

export interface SchedulesProps {
  readonly prefix: string;
  readonly runQueues: Queue[];
  readonly deadLetters: Queue;
  readonly functions: ScheduledPass[];
  readonly paused: boolean;
  readonly dataKey?: DataKey;
  readonly key?: IKey;
}

export class Schedules extends Construct {
  readonly group: CfnScheduleGroup;
  /** Metrics of schedules are by group: in the default one there may be schedules of others. */
  readonly passesGroup: CfnScheduleGroup;
  /** What Scheduler acts as when it starts a run. */
  readonly runRole: Role;

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    const { prefix, runQueues, deadLetters, functions, key } = props;
    this.group = new CfnScheduleGroup(this, 'Group', { name: prefix });
    const passes = `${prefix}-passes`;
    this.passesGroup = new CfnScheduleGroup(this, 'PassesGroup', { name: passes });
    this.runRole = this.role('RunRole', prefix, ...withKey([allow.send(...runQueues, deadLetters)], props.dataKey));
    // apart from the group of the runs, which the command line keeps equal to the configurations
    const handlers = functions.map(({ handler }) => handler);
    const role = this.role(
      'FunctionRole',
      passes,
      allow.invoke(...handlers.map(({ alias }) => alias)),
      ...withKey([allow.send(deadLetters)], props.dataKey),
      ...(key === undefined ? [] : [{ statements: [through(key, 'scheduler', ['kms:Decrypt'])], patterns: [] }]),
    );
    for (const { handler, everyMinutes } of functions) {
      const expression = ScheduleExpression.rate(Duration.minutes(everyMinutes));
      new CfnSchedule(this, pascal(handler.name), {
        name: `${prefix}-${handler.name}`,
        groupName: this.passesGroup.ref,
        kmsKeyArn: key?.keyArn,
        state: props.paused ? 'DISABLED' : 'ENABLED',
        scheduleExpression: expression.expressionString,
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: handler.alias.functionArn,
          roleArn: role.roleArn,
          input: '{}',
          retryPolicy: { maximumEventAgeInSeconds: everyMinutes * 60, maximumRetryAttempts: 2 },
          deadLetterConfig: { arn: deadLetters.queueArn },
        },
      });
      // The next pass does what a failed one left, and a repeated one would run beside it. With time-outs shorter
      // than the period that is enough: no concurrency has to be reserved, which small accounts cannot.
      handler.whenAsynchronous({ maximumRetryAttempts: 0 });
    }
  }

  /** A role for the schedules of one group and no others. */
  private role(id: string, group: string, ...grants: Grant[]): Role {
    const stack = Stack.of(this);
    const source = stack.formatArn({
      service: 'scheduler',
      resource: 'schedule-group',
      resourceName: group,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    return new Role(this, id, {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': source } },
      }),
      inlinePolicies: {
        schedules: new PolicyDocument({ statements: grants.flatMap((grant) => grant.statements) }),
      },
    });
  }
}
