// Stands in for the console's interface for extensions. What it is asked and what it answers has to fit the published
// contract; whatever does not is a complaint.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { fromRepository, SAMPLE } from './support.ts';

const contract = JSON.parse(fromRepository('functions/staff-console/schemas/extension-api.v1.json')) as Record<
  string,
  object
>;
const ajv = new Ajv2020({ strict: false, allErrors: true });
const checks = new Map<string, ValidateFunction>();

/** What of `value` does not fit a part of the contract. */
export function misfits(part: string, value: unknown): string[] {
  if (!(part in contract)) return [`the contract has no ${part}`];
  const check = checks.get(part) ?? ajv.compile(contract[part] ?? {});
  checks.set(part, check);
  return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

export interface Asked {
  method: string;
  /** After `/api/v1/`. */
  path: string;
  body: Record<string, unknown> | undefined;
}

interface Answer {
  status: number;
  body: unknown;
}

const ID = /^documents\/([0-9a-f]{32})\/(\w+)$/;
const PARTS: Record<string, [request: string | undefined, answer: string]> = {
  why: [undefined, 'why'],
  open: ['open, request', 'open'],
  resend: ['resend, request', 'resend'],
  holds: [undefined, 'holds'],
  hold: ['hold or release, request', 'holds'],
  release: ['hold or release, request', 'holds'],
};

export class FakeConsole {
  readonly asked: Asked[] = [];
  readonly complaints: string[] = [];
  /** What is answered next to a path, such as `resend`, instead of what would be. `undefined`: no answer at all. */
  readonly next = new Map<string, Answer | undefined>();
  /** Text that others wrote, in everything that is said. */
  hostile = '';
  private matters: { matter: string; may_release: boolean }[] = [{ matter: 'audit 2026', may_release: false }];

  /** Answers a request, or `undefined` if there is to be no answer. */
  answer(method: string, path: string, text?: string): Answer | undefined {
    const body = text === undefined || text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    this.asked.push({ method, path, body });
    const [, id = '', what = ''] = ID.exec(path) ?? [];
    const name = what || (path.split('?')[0] ?? '');
    const [request, part] = PARTS[what] ?? (name === 'print' ? ['print, request', 'print'] : [undefined, 'documents']);
    if (method !== (request === undefined ? 'GET' : 'POST')) this.complaints.push(`${method} ${path}`);
    if (request !== undefined) this.complain(path, misfits(request, body));
    if (this.next.has(name)) {
      const answer = this.next.get(name);
      this.next.delete(name);
      return answer;
    }
    const found = name === 'print' ? this.print(body) : what === '' ? this.documents(path) : this.of(id, what, body);
    this.complain(path, misfits(part, found));
    return { status: what === 'resend' ? 202 : 200, body: found };
  }

  private complain(path: string, found: string[]) {
    this.complaints.push(...found.map((it) => `${path}: ${it}`));
  }

  /** What the metafield's sample has, and one that is not reported yet. */
  private documents(path: string) {
    if (!/^documents\?resource=gid%3A%2F%2Fshopify%2F(Order|Customer|CompanyLocation)%2F\d+$/.test(path)) {
      this.complaints.push(`no such question: ${path}`);
    }
    const reported = (JSON.parse(SAMPLE).communications as Record<string, string>[]).map((it) => ({
      communication: it['id'],
      document: it['document'],
      label: (it['label'] as unknown as Record<string, string>)['en'],
      state: it['state'],
      reported_on: 'gid://shopify/Order/1',
      issued_at: it['at'],
      has_document: !['suppressed', 'failed'].includes(it['state'] ?? ''),
      may_resend: !['suppressed', 'failed', 'unknown'].includes(it['state'] ?? ''),
    }));
    const waits = {
      communication: 'f'.repeat(32),
      document: 'receipt',
      label: `Receipt${this.hostile}`,
      state: 'claimed',
      reported_on: 'gid://shopify/Order/1',
      issued_at: '2027-01-15T08:02:00Z',
      has_document: false,
      may_resend: false,
    };
    return { documents: [...reported.reverse(), waits] };
  }

  private of(id: string, what: string, body: Record<string, unknown> | undefined) {
    const matters = this.matters.map((it) => it.matter);
    switch (what) {
      case 'why':
        return {
          communication: id,
          state: 'suppressed',
          sentences: [`No channel can reach the recipient.${this.hostile}`, 'Give the customer an address.'],
        };
      case 'open':
        return {
          url: `https://console.example/open/${id}`,
          expires_at: new Date(Date.now() + 120_000).toISOString(),
          media_type: 'application/pdf',
          file_name: `Receipt 1001${this.hostile}.pdf`,
        };
      case 'resend':
        return { communication: 'e'.repeat(32) };
      case 'hold':
        if (!matters.includes(String(body?.['matter'])))
          this.matters.push({ matter: `${String(body?.['matter'])}${this.hostile}`, may_release: true });
        break;
      case 'release':
        this.matters = this.matters.filter((it) => it.matter !== body?.['matter'] || !it.may_release);
    }
    return { communication: id, may_hold: true, matters: this.matters };
  }

  private print(body: Record<string, unknown> | undefined) {
    const wanted = (body?.['communications'] ?? []) as string[];
    const documents = wanted.map((communication, index) =>
      index === 1
        ? { communication, error: `It was not done: there is no PDF of it.${this.hostile}` }
        : { communication, url: `https://console.example/open/${communication}`, media_type: 'application/pdf' },
    );
    const expires_at = new Date(Date.now() + 120_000).toISOString();
    return { documents, merged: { url: `https://console.example/open/all-${wanted.length}`, expires_at, pages: 3 } };
  }
}
