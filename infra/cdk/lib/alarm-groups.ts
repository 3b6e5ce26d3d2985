// Alarms that ring for one cause ring together, and a person hears of it once: a composite alarm per kind of trouble
// notifies in the place of the single ones. Which alarm belongs to which is in `runbook.ts`; what to do, in docs/runbook.md.

import { AlarmRule, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { address, entryOf } from './runbook.ts';
import type { WatchedAlarm } from './watch.ts';

/** Each with what its notification says. The order is that of urgency, and of the dashboard. */
export const GROUPS = {
  'evidence-at-risk': 'Archived evidence is missing or was altered. Look at once: somebody may be deleting evidence.',
  'events-lost':
    'Events or schedules did not reach the system, or no event comes at all. Look at once: customers get no document.',
  'functions-failing':
    'Functions fail as a whole or are not let run. Look at once: work waits, and becomes dead letters.',
  'work-delayed': 'Work takes longer than it should. Look within the hour: is Exstream or Shopify slow or down?',
  'customers-turned-away': 'Customers cannot open their published documents. Look within the hour.',
  'work-given-up': 'Dead-letter queues hold work. Look today: it is kept for 14 days.',
  'documents-in-doubt': 'It is not known whether documents were sent. Look today: a person has to decide.',
  'documents-not-made': 'Documents cannot be made or sent. Look today: another attempt alone will not help.',
  'passes-failing':
    'What is repeated for every shop fails for some, Shopify refuses reports, or logs are not time-stamped. Look within days.',
} as const;

export type GroupName = keyof typeof GROUPS;

export interface AlarmGroupsProps {
  readonly prefix: string;
  readonly alarms: readonly WatchedAlarm[];
  readonly runbookUrl: string;
  readonly topicArn?: string;
}

export class AlarmGroups extends Construct {
  constructor(scope: Construct, id: string, props: AlarmGroupsProps) {
    super(scope, id);
    const { prefix, topicArn } = props;
    const action = topicArn === undefined ? undefined : new SnsAction(Topic.fromTopicArn(this, 'Topic', topicArn));
    for (const [name, meaning] of Object.entries(GROUPS)) {
      const members = props.alarms.filter((it) => entryOf(it.id)?.group === name);
      if (members.length === 0) continue;
      const group = new CompositeAlarm(this, name, {
        compositeAlarmName: `${prefix}-${name}`,
        alarmDescription: `${meaning} Which alarm it is, the console says; what to do: ${address(props.runbookUrl, name)}`,
        // by name: a rule has 10,240 characters, and a name is half as long as an ARN
        alarmRule: AlarmRule.anyOf(...members.map(({ alarm }) => AlarmRule.fromString(`ALARM("${alarm.alarmName}")`))),
      });
      if (action === undefined) continue;
      group.addAlarmAction(action);
      group.addOkAction(action);
    }
  }
}
