// The console's interface for extensions, asked in the name of the member of staff who looks: the admin adds their session
// token to whatever is asked of the app's own address. functions/staff-console/schemas has the contract.
//
// What comes from there is bounded text or nothing, like everything else that is shown. A question that is not answered
// in time counts as not answered: it may be asked again, because a request to send bears its own name.

import { type Communication, date, object, STATES, text } from './metafield.ts';

const PATIENCE_MS = 20_000;
/** As many as the console lists. */
const MOST = 200;

/** An answer, or why there is none: the console's own sentence if it gave one. */
export type Answered<T> = { ok: T } | { error: string | undefined };

/** A communication as the console knows it, and what can be done with it. */
export interface Known {
  communication: Communication;
  hasDocument: boolean;
  mayResend: boolean;
}

export interface Opened {
  url: string;
  fileName: string;
  expiresAt: Date;
}

export interface HeldFor {
  matter: string;
  mayRelease: boolean;
}

export interface Holds {
  mayHold: boolean;
  matters: HeldFor[];
}

export interface Printed {
  /** Of one PDF of all that can be printed. */
  url: string | undefined;
  /** Why something is not in it, once for each reason. */
  left: string[];
}

/** What the console knows of an order, customer or company location, oldest first. */
export async function documents(resource: string): Promise<Answered<Known[]>> {
  const answer = await ask(`documents?resource=${encodeURIComponent(resource)}`);
  return readAs(answer, (body) =>
    list(body['documents'])
      ?.slice(0, MOST)
      .flatMap((it) => known(it) ?? []),
  );
}

export async function why(communication: string): Promise<Answered<string[]>> {
  return readAs(await ask(`documents/${communication}/why`), (body) => sentences(body['sentences']));
}

export async function open(communication: string): Promise<Answered<Opened>> {
  return readAs(await ask(`documents/${communication}/open`, {}), (body) => {
    const [url, fileName, expiresAt] = [address(body['url']), text(body['file_name']), date(body['expires_at'])];
    return url && fileName && expiresAt ? { url, fileName, expiresAt } : undefined;
  });
}

/** Asks for another issue. The same `request` again is the same issue, so it can be asked again after no answer. */
export async function resend(
  communication: string,
  { request, reason, to }: { request: string; reason: string; to: string },
): Promise<Answered<string>> {
  const body = to === '' ? { request, reason } : { request, reason, to };
  return readAs(await ask(`documents/${communication}/resend`, body), (it) => text(it['communication']));
}

export async function holds(communication: string): Promise<Answered<Holds>> {
  return readAs(await ask(`documents/${communication}/holds`), held);
}

export async function changeHold(
  communication: string,
  what: 'hold' | 'release',
  body: { matter: string; reason: string },
): Promise<Answered<Holds>> {
  return readAs(await ask(`documents/${communication}/${what}`, body), held);
}

export async function print(communications: string[]): Promise<Answered<Printed>> {
  return readAs(await ask('print', { communications }), (body) => {
    const each = list(body['documents']);
    if (each === undefined) return undefined;
    const left = each.flatMap((it) => text(object(it)?.['error']) ?? []);
    return { url: address(object(body['merged'])?.['url']), left: [...new Set(left)] };
  });
}

/** Asks with `GET`, or with `POST` where there is a body. */
async function ask(path: string, body?: object): Promise<Answered<Record<string, unknown>>> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(`/api/v1/${path}`, {
      signal: end.signal,
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const found = object(await answer.json());
    if (answer.ok && found !== undefined) return { ok: found };
    return { error: text(object(found?.['error'])?.['message']) };
  } catch {
    return { error: undefined };
  } finally {
    clearTimeout(timer);
  }
}

/** An answer that is not what the contract says is none. */
function readAs<T>(
  answer: Answered<Record<string, unknown>>,
  read: (body: Record<string, unknown>) => T | undefined,
): Answered<T> {
  if ('error' in answer) return answer;
  const found = read(answer.ok);
  return found === undefined ? { error: undefined } : { ok: found };
}

function known(value: unknown): Known | undefined {
  const it = object(value);
  const [id, document, at] = [text(it?.['communication']), text(it?.['document']), date(it?.['issued_at'])];
  const state = STATES.find((state) => state === it?.['state']);
  if (!it || !id || !document || !at || !state || !/^[0-9a-f]{32}$/.test(id)) return undefined;
  const label = text(it['label']);
  return {
    communication: {
      id,
      document,
      label: new Map(label === undefined ? [] : [['en', label]]),
      state,
      at,
      sent: date(it['sent_at']),
      delivered: date(it['delivered_at']),
      failed: date(it['failed_at']),
      channel: text(it['channel']),
      reason: text(it['reason']),
    },
    hasDocument: it['has_document'] === true,
    mayResend: it['may_resend'] === true,
  };
}

function held(body: Record<string, unknown>): Holds | undefined {
  const matters = list(body['matters'])?.flatMap((value) => {
    const it = object(value);
    const matter = text(it?.['matter']);
    return matter === undefined ? [] : [{ matter, mayRelease: it?.['may_release'] === true }];
  });
  return matters && { mayHold: body['may_hold'] === true, matters };
}

function sentences(value: unknown): string[] | undefined {
  return list(value)?.flatMap((it) => text(it) ?? []);
}

function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** Nothing but a web address becomes a link; in a local run it has no TLS. */
function address(value: unknown): string | undefined {
  return typeof value === 'string' && /^https?:\/\/[^\s"'<>\\]+$/.test(value) ? value : undefined;
}
