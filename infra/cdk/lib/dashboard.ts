// One page for whoever looks whether all is well: what comes in and what becomes of it, then the kinds of trouble in the order
// of their urgency, each with its alarms and what they watch. An alarm that is added is on it without a line here.

import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  type MathExpression,
  Metric,
  Row,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { GROUPS } from './alarm-groups.ts';
import type { Handler } from './function.ts';
import { textOf } from './queries.ts';
import type { WorkQueue } from './queues.ts';
import { address, entryOf } from './runbook.ts';
import { ownMetric, PERIOD, type WatchedAlarm } from './watch.ts';

/** What a flow counts a document as. */
const SETTLED = ['Accepted', 'Archived', 'Suppressed', 'Failed', 'Unknown'];

const WIDTH = 24;
const THIRD = { width: 8, height: 6 };

export interface DashboardProps {
  readonly prefix: string;
  readonly runbookUrl: string;
  readonly handlers: readonly Handler[];
  readonly flows: readonly Handler[];
  readonly queues: readonly WorkQueue[];
  readonly apiId: string;
  readonly alarms: readonly WatchedAlarm[];
}

export class Dashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: DashboardProps,
  ) {
    super(scope, id);
    new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: props.prefix,
      defaultInterval: Duration.hours(12),
      widgets: [...this.traffic(), ...Object.keys(GROUPS).flatMap((name) => this.group(name))],
    });
  }

  private traffic(): IWidget[][] {
    const { flows, handlers, queues } = this.props;
    const all = (metric: (handler: Handler) => Metric) => handlers.map((it) => label(metric(it), it.name));
    const [sum, p95] = [
      { period: PERIOD, statistic: 'Sum' },
      { period: PERIOD, statistic: 'p95' },
    ];
    return rows([
      this.heading('Traffic', 'What comes in, and what becomes of it.'),
      graph('Events', this.counts('intake', 'Queued', 'Ignored', 'Refused', 'Test')),
      graph('Reports to Shopify', this.counts('write-back', 'Reported', 'ReportRefused', 'ReportSkipped')),
      graph('Messages and letters', this.counts('delivery-status', 'Delivered', 'Bounced', 'Unconfirmed', 'OptedOut')),
      ...flows.map(({ name }) => graph(name, this.counts(name, ...SETTLED))),
      graph('Pages and documents opened', this.counts('documents', 'Opened', 'LinkEnded', 'Unsubscribed')),
      graph('Requests of customers', [this.ofApi('Count'), this.ofApi('4xx')]),
      graph(
        'Waiting work',
        queues.map((it) =>
          label(it.queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }), it.name),
        ),
      ),
      graph(
        'Invocations',
        all(({ function: lambda }) => lambda.metricInvocations(sum)),
      ),
      graph(
        'Duration, p95',
        all(({ function: lambda }) => lambda.metricDuration(p95)),
      ),
      new LogQueryWidget({
        ...THIRD,
        title: 'Why messages are delivered again',
        view: LogQueryVisualizationType.TABLE,
        logGroupNames: handlers.map(({ logGroup }) => logGroup.logGroupName),
        queryString: textOf('retries'),
      }),
    ]);
  }

  /** A kind of trouble: its alarms, and a graph per section of the runbook. */
  private group(name: string): IWidget[][] {
    const members = this.props.alarms.filter((it) => entryOf(it.id)?.group === name);
    if (members.length === 0) return [];
    const sections = new Map<string, WatchedAlarm[]>();
    for (const it of members) {
      const section = entryOf(it.id)?.section ?? it.id;
      sections.set(section, [...(sections.get(section) ?? []), it]);
    }
    return rows([
      this.heading(name, `[What to do](${address(this.props.runbookUrl, name)})`),
      new AlarmStatusWidget({
        title: name,
        width: WIDTH,
        height: 2 + Math.ceil(members.length / 8),
        alarms: members.map(({ alarm }) => alarm),
      }),
      ...[...sections].map(([section, alarms]) =>
        graph(
          section,
          alarms.map((it) => label(it.metric, it.id)),
        ),
      ),
    ]);
  }

  private heading(title: string, text: string): TextWidget {
    return new TextWidget({ width: WIDTH, height: 2, markdown: `## ${title}\n${text}` });
  }

  private counts(name: string, ...metrics: string[]): Metric[] {
    const handler = this.props.handlers.find((it) => it.name === name);
    if (handler === undefined) throw new Error(`the dashboard wants metrics of ${name}, which is no function`);
    return metrics.map((metricName) => ownMetric(handler, metricName).with({ label: metricName }));
  }

  private ofApi(metricName: string): Metric {
    const dimensionsMap = { ApiId: this.props.apiId };
    return new Metric({ namespace: 'AWS/ApiGateway', metricName, dimensionsMap, period: PERIOD, statistic: 'Sum' });
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ ...THIRD, title, left });
}

function label(metric: Metric | MathExpression, text: string): IMetric {
  return metric.with({ label: text });
}

/** Widgets from left to right, in as many rows as they take. */
function rows(widgets: IWidget[]): IWidget[][] {
  const result: IWidget[][] = [];
  let left = 0;
  for (const widget of widgets) {
    if (widget.width > left) {
      result.push([]);
      left = WIDTH;
    }
    result.at(-1)?.push(widget);
    left -= widget.width;
  }
  return result.map((row) => [new Row(...row)]);
}
