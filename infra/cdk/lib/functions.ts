// The functions and what they differ in. A row of `FLOWS` is a whole flow: its queue and dead letters, its
// function with role, alarms and outputs, its settings, and the way to it from intake and reconcile.

interface Row {
  /** Name of the crate, and of everything that belongs to the function. */
  readonly name: string;
  /** Default of the setting `timeout<Name>`. */
  readonly timeoutSeconds: number;
}

export interface Flow extends Row {
  /** How long work may wait before a person is told: hours where a run makes a night's work at once. */
  readonly oldestSeconds: number;
}

export const FLOWS = [
  { name: 'order-confirmation', timeoutSeconds: 120, oldestSeconds: 900 },
  { name: 'shipping-documents', timeoutSeconds: 120, oldestSeconds: 900 },
  { name: 'return-letters', timeoutSeconds: 120, oldestSeconds: 900 },
  // offers wait for quiet hours to end
  { name: 'targeted-offers', timeoutSeconds: 120, oldestSeconds: 86_400 },
  // a time-out for batches that Exstream composes as one job
  { name: 'account-statements', timeoutSeconds: 300, oldestSeconds: 21_600 },
  { name: 'exception-letters', timeoutSeconds: 120, oldestSeconds: 900 },
] as const satisfies readonly Flow[];

/** Functions that fill a flow's queue, each with a queue of its own that schedules and operators write to. */
export const RUNS = [
  { name: 'statement-run', timeoutSeconds: 900, fills: 'account-statements' },
  { name: 'offer-run', timeoutSeconds: 300, fills: 'targeted-offers' },
] as const satisfies readonly (Row & { readonly fills: FlowName })[];

const OTHERS = [
  { name: 'intake', timeoutSeconds: 15 },
  { name: 'write-back', timeoutSeconds: 60 },
  { name: 'delivery-status', timeoutSeconds: 240 },
  { name: 'reconcile', timeoutSeconds: 600 },
] as const satisfies readonly Row[];

export const FUNCTIONS = [...FLOWS, ...RUNS, ...OTHERS];

export type FlowName = (typeof FLOWS)[number]['name'];
export type FunctionName = (typeof FUNCTIONS)[number]['name'];

/** One value a row. */
export function byName<R extends { readonly name: string }, V>(
  rows: readonly R[],
  value: (row: R) => V,
): Readonly<Record<R['name'], V>> {
  return Object.fromEntries(rows.map((row) => [row.name, value(row)])) as Record<R['name'], V>;
}
