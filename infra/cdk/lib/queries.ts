// Log queries that whoever looks into an alarm finds in CloudWatch Logs Insights, below the stack's name. Their fields and
// texts are those of the functions' log lines; a test looks both up in the code.

import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Handler } from './function.ts';

interface Query {
  /** Functions whose logs are searched; all, if there are none here. */
  readonly of?: (name: string) => boolean;
  readonly lines: readonly string[];
}

const named =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name);
const PASSES = named('archive-seal', 'delivery-status', 'reconcile');
const RUNS = named('statement-run', 'offer-run');

/** Of the access log in front of the published documents. */
const ACCESS = 'page-requests';

const QUERIES = {
  'one-communication': {
    lines: [
      'fields @timestamp, @log, level, message, state, reason, duration_ms',
      'filter communication = "put its id here"',
      'sort @timestamp asc',
    ],
  },
  'events-not-queued': {
    of: named('intake'),
    lines: [
      'filter message in ["event refused", "event ignored"]',
      'stats count(*) as events, latest(@timestamp) as last by message, error, reason, shop, topic',
      'sort events desc',
    ],
  },
  retries: {
    lines: [
      'filter message = "message will be retried"',
      'stats count(*) as deliveries, max(receive_count) as most, latest(@timestamp) as last by @log, flow, reason',
      'sort deliveries desc',
    ],
  },
  'not-sent': {
    lines: [
      'filter state in ["failed", "unknown", "suppressed"]',
      'stats count(*) as documents, latest(communication) as example, latest(@timestamp) as last by shop, document, state, reason',
      'sort documents desc',
    ],
  },
  durations: {
    lines: [
      'filter ispresent(duration_ms)',
      'stats count(*) as messages, pct(duration_ms, 50), pct(duration_ms, 95), max(duration_ms) by @log, bin(5m)',
      'sort @log asc',
    ],
  },
  'failed-invocations': {
    lines: [
      'filter level = "ERROR" or ispresent(record.status) or @message like /panicked|Task timed out|Runtime exited/',
      'fields @timestamp, @log, message, error, reason, record.status, @message',
      'sort @timestamp desc',
    ],
  },
  runs: {
    of: RUNS,
    lines: [
      'filter ispresent(run) or level in ["WARN", "ERROR"]',
      'fields @timestamp, shop, run, period, level, message, state, what, reason, error, problem',
      'sort @timestamp desc',
    ],
  },
  passes: {
    of: PASSES,
    lines: [
      'filter level in ["WARN", "ERROR"]',
      'stats count(*) as times, latest(@timestamp) as last by @log, shop, message, reason, problem',
      'sort times desc',
    ],
  },
  evidence: {
    of: named('archive-seal'),
    lines: [
      'filter level = "ERROR"',
      'fields @timestamp, shop, communication, message, reason',
      'sort @timestamp desc',
    ],
  },
  reports: {
    of: named('write-back'),
    lines: [
      'filter ispresent(write_back) or message = "message will be retried"',
      'stats count(*) as reports, latest(communication) as example by shop, document, write_back, reason',
      'sort reports desc',
    ],
  },
  'outcomes-not-told': {
    of: named('outcome-events'),
    lines: [
      'filter level = "ERROR"',
      'stats count(*) as events, latest(communication) as example, latest(@timestamp) as last by message, reason',
      'sort events desc',
    ],
  },
  pages: {
    of: named('documents'),
    lines: [
      'filter message in ["document not shown", "answered"]',
      'stats count(*) as requests, latest(communication) as example by route, status, error',
      'sort requests desc',
    ],
  },
  [ACCESS]: {
    lines: ['stats count(*) as requests, max(duration_ms) as slowest by route, status, error', 'sort requests desc'],
  },
} as const satisfies Record<string, Query>;

export type QueryName = keyof typeof QUERIES;

export interface QueriesProps {
  readonly prefix: string;
  readonly handlers: readonly Handler[];
  /** The access log of the documents' API. */
  readonly accessLog: string;
}

/** The text of a query. */
export function textOf(name: QueryName): string {
  return QUERIES[name].lines.join('\n| ');
}

export class Queries extends Construct {
  constructor(scope: Construct, id: string, { prefix, handlers, accessLog }: QueriesProps) {
    super(scope, id);
    for (const [name, query] of Object.entries(QUERIES) as [QueryName, Query][]) {
      const groups = handlers.filter((it) => query.of?.(it.name) ?? true).map((it) => it.logGroup.logGroupName);
      if (groups.length === 0) continue;
      new CfnQueryDefinition(this, name, {
        name: `${prefix}/${name}`,
        queryString: textOf(name),
        logGroupNames: name === ACCESS ? [accessLog] : groups,
      });
    }
  }
}
