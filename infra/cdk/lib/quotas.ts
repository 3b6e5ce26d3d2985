// What a deployment takes of an account's quotas, beside what a new account has. Where it can be computed from the table of the
// functions and the template, it is.

import { FUNCTIONS } from './functions.ts';

export interface Quota {
  readonly service: string;
  readonly name: string;
  /** Of a new account, or of every account where it cannot be raised. */
  readonly available: number;
  /** What is said beside the number. */
  readonly note?: string;
  readonly needed: (template: Counted) => number;
  readonly source: string;
}

/** The resources of both templates by type, and how many the larger one has. */
export interface Counted {
  readonly count: (type: string) => number;
  readonly resources: number;
  readonly outputs: number;
}

/** All invocations that event source mappings and schedules may make at once. What APIs, buses and streams invoke comes on top. */
export function concurrency(): number {
  const rows: readonly { readonly name: string; readonly maxConcurrency?: number; readonly everyMinutes?: number }[] =
    FUNCTIONS;
  // a pass never runs beside itself
  return rows.reduce((sum, row) => sum + (row.maxConcurrency ?? 0) + (row.everyMinutes === undefined ? 0 : 1), 0);
}

/** One function's package at the most, in MB: `SIZE_LIMIT` in infra/local/packages.py, which a test compares. */
export const PACKAGE_MB = 6;

export const QUOTAS: readonly Quota[] = [
  {
    service: 'Lambda',
    name: 'concurrent executions',
    available: 10,
    note: 'an account that has run for a while has 1,000',
    needed: concurrency,
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  },
  {
    service: 'Lambda',
    name: 'storage of functions and layers, MB',
    available: 75_000,
    note: 'each release adds a version of every function',
    needed: () => FUNCTIONS.length * PACKAGE_MB,
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  },
  {
    service: 'CloudFormation',
    name: 'resources per stack, in the larger of two',
    available: 500,
    note: 'cannot be raised',
    needed: ({ resources }) => resources,
    source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html',
  },
  {
    service: 'CloudFormation',
    name: 'outputs per stack, in the larger of two',
    available: 200,
    note: 'cannot be raised',
    needed: ({ outputs }) => outputs,
    source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html',
  },
  {
    service: 'CloudWatch',
    name: 'alarms',
    available: 5000,
    needed: ({ count }) => count('AWS::CloudWatch::Alarm') + count('AWS::CloudWatch::CompositeAlarm'),
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html',
  },
  {
    service: 'IAM',
    name: 'roles',
    available: 1000,
    needed: ({ count }) => count('AWS::IAM::Role'),
    source: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html',
  },
  {
    service: 'DynamoDB',
    name: 'tables',
    available: 2500,
    needed: ({ count }) => count('AWS::DynamoDB::Table'),
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html',
  },
  {
    service: 'EventBridge',
    name: 'event buses',
    available: 100,
    needed: ({ count }) => count('AWS::Events::EventBus') + 1,
    source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html',
  },
  {
    service: 'EventBridge Scheduler',
    name: 'schedule groups',
    available: 500,
    needed: ({ count }) => count('AWS::Scheduler::ScheduleGroup'),
    source: 'https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html',
  },
];
