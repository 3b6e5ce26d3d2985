// What is said of a communication, in the merchant's language. Texts of others stand between isolates, so that an
// address or a reason in another script reorders nothing outside it.

import type { Communication, State } from './metafield.ts';
import { REASONS } from './reasons.ts';

/** What is needed of `shopify.i18n`. */
export interface Words {
  translate(key: string, options?: Record<string, string | number>): string;
  formatDate(date: Date, options?: Intl.DateTimeFormatOptions): string;
}

export type Tone = 'success' | 'info' | 'neutral' | 'warning' | 'critical';

const TONES: Record<State, Tone> = {
  claimed: 'neutral',
  sending: 'neutral',
  archived: 'neutral',
  accepted: 'info',
  delivered: 'success',
  bounced: 'critical',
  failed: 'critical',
  suppressed: 'neutral',
  unknown: 'warning',
};

/** What channels and subjects there are words for. */
export const CHANNELS = ['email', 'exstream', 'print', 'sms', 'web', 'whatsapp'];
const SUBJECTS = [
  'Dispute',
  'Fulfillment',
  'FulfillmentOrder',
  'OrderTransaction',
  'PaymentSchedule',
  'Refund',
  'Return',
];

export interface Row {
  id: string;
  title: string;
  state: string;
  tone: Tone;
  /** One sentence each; the first says what became of it. */
  lines: string[];
}

/** The row of `it`, which is one of `all`. */
export function row(it: Communication, all: readonly Communication[], words: Words): Row {
  const lines = [
    fate(it, words),
    about(it, words),
    why(it, words),
    hint(it, words),
    issueOf(it, all, words),
    decided(it, words),
    link(it, words),
  ];
  return {
    id: it.id,
    title: title(it, words),
    state: words.translate(`state.${it.state}`),
    tone: TONES[it.state],
    lines: lines.filter((line) => line !== undefined),
  };
}

/** Such as "Receipt", and of a statement its month. */
function title(it: Communication, words: Words): string {
  const label = it.label.get(words.translate('language')) ?? it.label.get('en') ?? spelt(it.document);
  return it.period === undefined ? label : `${label}, ${month(it.period, words)}`;
}

function spelt(document: string): string {
  const name = document.replaceAll('-', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function month(period: string, words: Words): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(period)) return isolated(period);
  const first = new Date(`${period}-01T00:00:00Z`);
  return words.formatDate(first, { month: 'long', year: 'numeric', timeZone: 'UTC' });
}

/** Such as "Delivered on 27 Nov 2026, 08:02 to c…@example.com, by e-mail". */
function fate(it: Communication, words: Words): string {
  const at = when(it);
  const happened =
    at === undefined
      ? words.translate(`undated.${it.state}`)
      : words.translate(`dated.${it.state}`, { at: moment(at, words) });
  const address = it.address === undefined ? '' : ' ' + words.translate('to', { address: isolated(it.address) });
  return happened + address + by(it, words);
}

/** A person who settled a doubt said what became of it, and not when. */
function when({ state, at, sent, delivered, failed, decision }: Communication): Date | undefined {
  const known = state === 'accepted' ? sent : state === 'delivered' ? delivered : failed;
  return known ?? (decision?.kind === 'settle' ? undefined : at);
}

function by({ channel }: Communication, words: Words): string {
  if (channel === undefined) return '';
  return ', ' + (CHANNELS.includes(channel) ? words.translate(`by.${channel}`) : isolated(channel));
}

function about({ subject }: Communication, words: Words): string | undefined {
  return subject !== undefined && SUBJECTS.includes(subject) ? words.translate(`about.${subject}`) : undefined;
}

/** A settled doubt says its reason with the decision. */
function why({ reason, decision }: Communication, words: Words): string | undefined {
  if (reason === undefined || decision?.kind === 'settle') return undefined;
  const known = REASONS[reason]?.[words.translate('language')];
  return words.translate('why', { reason: known ?? isolated(reason) });
}

function hint({ state }: Communication, words: Words): string | undefined {
  return state === 'unknown' ? words.translate('hint.unknown') : undefined;
}

function issueOf(it: Communication, all: readonly Communication[], words: Words): string | undefined {
  if (it.issueOf === undefined) return undefined;
  const first = all.find(({ id }) => id === it.issueOf);
  const at = first === undefined ? undefined : (first.sent ?? first.at);
  return at === undefined
    ? words.translate('issue_of_earlier')
    : words.translate('issue_of', { at: moment(at, words) });
}

function decided({ decision }: Communication, words: Words): string | undefined {
  if (decision === undefined) return undefined;
  const [actor, reason] = [isolated(decision.actor), isolated(decision.reason)];
  return words.translate(`decided.${decision.kind}`, { actor, reason, at: moment(decision.at, words) });
}

/** For who asks an operator to renew it or to take it back. */
function link(it: Communication, words: Words): string | undefined {
  return it.link === undefined ? undefined : words.translate('link', { link: isolated(it.link) });
}

function moment(at: Date, words: Words): string {
  return words.formatDate(at, { dateStyle: 'medium', timeStyle: 'short' });
}

/** First strong isolate, pop directional isolate. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
