// The functions and what they differ in, as `infra/functions.json` says. A row of the kind `flow` is a whole flow: its
// queue and dead letters, its function with role, alarms and outputs, its settings, and the way to it from intake and
// reconcile.

import table from '../../functions.json';

interface Row<Name extends string> {
  /** Name of the crate, and of everything that belongs to the function. */
  readonly name: Name;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
}

/** A row of a function that works on a queue. The schema of the table says what each value means. */
export interface QueueRow<Name extends string = FunctionName> extends Row<Name> {
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maxConcurrency: number;
  readonly hiddenTimeouts: number;
  readonly oldestSeconds: number;
}

export interface FlowRow extends QueueRow<FlowName> {
  readonly batchConcurrency: number;
}

export interface RunRow extends QueueRow<RunName> {
  readonly fills: FlowName;
  readonly storageMegabytes?: number;
}

/** A row of a function that takes the changes of a table. */
interface StreamRow<Name extends string> extends Row<Name> {
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly oldestSeconds: number;
}

interface PassRow<Name extends string> extends Row<Name> {
  readonly everyMinutes: number;
}

export type FlowName = keyof typeof table.flow.functions;
export type RunName = keyof typeof table.run.functions;

/** What holds for every queue. */
export const QUEUES = table.queues;

export const FLOWS = rows<FlowRow>(table.flow);
export const RUNS = rows<RunRow>(table.run);
export const INTAKE = row<Row<'intake'> & { readonly asyncRetries: number }>(table.events, 'intake');
export const WRITE_BACK = row<QueueRow<'write-back'>>(table['write-back'], 'write-back');
export const ARCHIVE_SEAL = row<PassRow<'archive-seal'>>(table.pass, 'archive-seal');
export const DELIVERY_STATUS = row<PassRow<'delivery-status'>>(table.pass, 'delivery-status');
export const RECONCILE = row<PassRow<'reconcile'>>(table.pass, 'reconcile');
export const DOCUMENTS = row<Row<'documents'>>(table.http, 'documents');
export const PRIVACY = row<QueueRow<'privacy'> & { readonly everyMinutes: number }>(table.privacy, 'privacy');
/** Deployed only where a deployment wants a console. */
export const STAFF_CONSOLE = row<Row<'staff-console'>>(table.http, 'staff-console');
/** Deployed only where a bus for outcomes is named. */
export const OUTCOME_EVENTS = row<StreamRow<'outcome-events'>>(table.stream, 'outcome-events');
export const FUNCTIONS = [
  INTAKE,
  ...FLOWS,
  ...RUNS,
  ARCHIVE_SEAL,
  DELIVERY_STATUS,
  RECONCILE,
  WRITE_BACK,
  DOCUMENTS,
  PRIVACY,
  STAFF_CONSOLE,
  OUTCOME_EVENTS,
];

export type FunctionName = (typeof FUNCTIONS)[number]['name'];

/** A kind of functions in the table. */
interface Kind<R extends Row<string>> {
  readonly shared: object;
  readonly functions: Readonly<Record<R['name'], object>>;
}

/** The functions of a kind, in the order of the table. */
function rows<R extends Row<string>>(kind: Kind<R>): readonly R[] {
  return Object.keys(kind.functions).map((name) => row<R>(kind, name));
}

/** What every function has, what its kind has, and what it has itself: the last one wins. */
function row<R extends Row<string>>({ shared, functions }: Kind<R>, name: R['name']): R {
  return { name, ...table.every, ...shared, ...functions[name] } as R;
}

/** One value per row. */
export function byName<R extends { readonly name: string }, V>(
  rows: readonly R[],
  value: (row: R) => V,
): Readonly<Record<R['name'], V>> {
  return Object.fromEntries(rows.map((row) => [row.name, value(row)])) as Record<R['name'], V>;
}
