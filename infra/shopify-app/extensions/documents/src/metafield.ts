// The status metafield, as write-back writes it: schema and sample are in functions/write-back. Whatever somebody else
// has written there, what is read here are bounded texts without anything that hides or steers, or nothing.

/** Asks for the metafield of an order, customer or company location. */
export const QUERY = `query Communications($id: ID!) {
  node(id: $id) {
    ... on HasMetafields {
      metafield(namespace: "$app", key: "communications") {
        value
      }
    }
  }
}`;

/** The answer to [QUERY]. */
export interface Answer {
  node?: { metafield?: { value?: string } | null } | null;
}

/** As in `shared/comms/src/state.rs`. */
export const STATES = [
  'claimed',
  'archived',
  'sending',
  'accepted',
  'delivered',
  'bounced',
  'failed',
  'suppressed',
  'unknown',
] as const;
export type State = (typeof STATES)[number];

export interface Decision {
  at: Date;
  kind: 'resend' | 'settle' | 'request';
  actor: string;
  reason: string;
}

export interface Communication {
  id: string;
  document: string;
  /** By language. Empty in a list of version 1. */
  label: Map<string, string>;
  state: State;
  /** The kind of what it is about, such as `Return`. */
  subject?: string;
  period?: string;
  issueOf?: string;
  at: Date;
  sent?: Date;
  delivered?: Date;
  failed?: Date;
  channel?: string;
  address?: string;
  /** Names the published link to an operator; it opens nothing. */
  link?: string;
  reason?: string;
  decision?: Decision;
}

export type Status =
  /** Nothing has been reported. */
  | { kind: 'none' }
  /** `skipped` entries could not be read. */
  | { kind: 'list'; communications: Communication[]; skipped: number }
  /** Written by a later release than this extension. */
  | { kind: 'later' }
  /** Something else is there. */
  | { kind: 'foreign' };

const VERSION = 2;
/** As many as write-back keeps. */
const MOST = 20;
/** In characters; write-back cuts at 200. */
const TEXT = 300;

/** Reads a metafield's value. */
export function read(value: string | null | undefined): Status {
  if (value === null || value === undefined) return { kind: 'none' };
  const found = object(parsed(value));
  const version = found?.['v'];
  if (typeof version === 'number' && version > VERSION) return { kind: 'later' };
  const list = found?.['communications'];
  if ((version !== 1 && version !== VERSION) || !Array.isArray(list)) return { kind: 'foreign' };
  const all = list.slice(0, MOST).map(communication);
  const communications = all.filter((it) => it !== undefined);
  return { kind: 'list', communications, skipped: all.length - communications.length };
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function communication(value: unknown): Communication | undefined {
  const it = object(value);
  const [id, document, at] = [text(it?.['id']), text(it?.['document']), date(it?.['at'])];
  const state = STATES.find((known) => known === it?.['state']);
  if (!it || !id || !document || !at || !state) return undefined;
  const labels = Object.entries(object(it['label']) ?? {}).slice(0, MOST);
  return {
    id,
    document,
    label: new Map(labels.flatMap(([language, label]) => (text(label) ? [[language, text(label) ?? '']] : []))),
    state,
    subject: /^gid:\/\/shopify\/([A-Za-z]+)\/\d+$/.exec(text(it['subject']) ?? '')?.[1],
    period: text(it['period']),
    issueOf: text(it['issue_of']),
    at,
    sent: date(it['sent']),
    delivered: date(it['delivered']),
    failed: date(it['failed']),
    channel: text(it['channel']),
    address: text(it['address']),
    link: text(it['link']),
    reason: text(it['reason']),
    decision: decision(it['decision']),
  };
}

function decision(value: unknown): Decision | undefined {
  const it = object(value);
  const [at, actor, reason] = [date(it?.['at']), text(it?.['actor']), text(it?.['reason'])];
  const kind = (['resend', 'settle', 'request'] as const).find((known) => known === it?.['kind']);
  return at && actor && reason && kind ? { at, kind, actor, reason } : undefined;
}

export function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/**
 * One line, cut, without control and format characters: those reverse, hide or break what stands beside them. Joiners
 * stay, which letters and emoji need.
 */
export function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = value.slice(0, 10 * TEXT).replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\s]+/gu, ' ');
  return [...line].slice(0, TEXT).join('').trim() || undefined;
}

export function date(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
