// What ties an alarm to everything else about it: the group that notifies in its place, the saved log query to look at first,
// and its section in docs/runbook.md. A section may be about many alarms: `<queue>-late` is about every queue's.

import type { GroupName } from './alarm-groups.ts';
import type { QueryName } from './queries.ts';

export interface RunbookEntry {
  /** Heading of the section: the alarm's name without the stack's prefix, `<…>` in the place of what differs. */
  readonly section: string;
  readonly group: GroupName;
  readonly query: QueryName;
}

/** The first one that fits an alarm is its entry. */
export const RUNBOOK: readonly RunbookEntry[] = [
  { section: 'archive-seal-evidence-missing', group: 'evidence-at-risk', query: 'evidence' },
  { section: 'archive-seal-evidence-altered', group: 'evidence-at-risk', query: 'evidence' },
  { section: 'intake-refusal-lost', group: 'events-lost', query: 'events-not-queued' },
  { section: 'webhooks-lost', group: 'events-lost', query: 'events-not-queued' },
  { section: 'source-silent', group: 'events-lost', query: 'events-not-queued' },
  { section: 'schedules-<kind>-lost', group: 'events-lost', query: 'runs' },
  { section: 'schedules-<kind>-dropped', group: 'events-lost', query: 'runs' },
  { section: '<flow>-unknown', group: 'documents-in-doubt', query: 'not-sent' },
  { section: 'statement-run-runs-failed', group: 'documents-not-made', query: 'runs' },
  { section: 'statement-run-statements-unreadable', group: 'documents-not-made', query: 'runs' },
  { section: 'offer-run-members-unreadable', group: 'documents-not-made', query: 'runs' },
  { section: '<flow>-failed', group: 'documents-not-made', query: 'not-sent' },
  { section: 'intake-dlq-not-empty', group: 'work-given-up', query: 'events-not-queued' },
  { section: 'schedules-dlq-not-empty', group: 'work-given-up', query: 'runs' },
  { section: 'outcome-events-dlq-not-empty', group: 'work-given-up', query: 'outcomes-not-told' },
  { section: '<queue>-dlq-not-empty', group: 'work-given-up', query: 'retries' },
  { section: '<function>-errors', group: 'functions-failing', query: 'failed-invocations' },
  { section: '<function>-throttled', group: 'functions-failing', query: 'durations' },
  { section: 'schedules-<kind>-refused', group: 'functions-failing', query: 'failed-invocations' },
  { section: '<function>-slow', group: 'work-delayed', query: 'durations' },
  { section: 'outcome-events-late', group: 'work-delayed', query: 'outcomes-not-told' },
  { section: '<queue>-late', group: 'work-delayed', query: 'durations' },
  { section: '<queue>-overdue', group: 'work-delayed', query: 'retries' },
  { section: '<flow>-became-ill', group: 'work-delayed', query: 'retries' },
  { section: '<run>-retried', group: 'work-delayed', query: 'retries' },
  { section: 'statement-run-batch-outputs-unproven', group: 'work-delayed', query: 'runs' },
  { section: 'statement-run-batch-outputs-missing', group: 'work-delayed', query: 'runs' },
  { section: 'write-back-report-refused', group: 'passes-failing', query: 'reports' },
  { section: 'archive-seal-unstamped', group: 'passes-failing', query: 'evidence' },
  { section: '<pass>-failed-shops', group: 'passes-failing', query: 'passes' },
  { section: '<pass>-problems', group: 'passes-failing', query: 'passes' },
  { section: '<flow>-recovered', group: 'passes-failing', query: 'passes' },
  { section: 'documents-not-shown', group: 'customers-turned-away', query: 'pages' },
  { section: 'documents-api-failures', group: 'customers-turned-away', query: 'page-requests' },
  { section: 'documents-not-found', group: 'customers-turned-away', query: 'pages' },
];

/** The entry of an alarm, given its name without the prefix. A test demands one of every alarm. */
export function entryOf(alarm: string): RunbookEntry | undefined {
  return RUNBOOK.find(({ section }) => new RegExp(`^${section.replace(/<\w+>/, '.+')}$`).test(alarm));
}

/** The address of a section, as GitHub makes it of the heading. */
export function address(page: string, section: string): string {
  return `${page}#${section.replace(/[<>]/g, '')}`;
}
