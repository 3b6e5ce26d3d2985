// Asks the console what the customer has of an order. The console knows them by the session token and answers with the links
// that they were sent, and nothing else.

const PATIENCE_MS = 20_000;
const MOST = 50;
/** In characters. */
const TEXT = 100;

export interface Own {
  title: string;
  issuedAt: Date;
  url: string;
}

/** The address that a merchant has set, without a slash at the end; nothing but an HTTPS address is asked. */
export function consoleAt(setting: unknown): string | undefined {
  if (typeof setting !== 'string') return undefined;
  const address = setting.trim().replace(/\/+$/, '');
  return /^https:\/\/[a-z0-9.-]+(:\d+)?$/i.test(address) ? address : undefined;
}

/** `undefined` where there is no answer. */
export async function own(console: string, order: string, token: string): Promise<Own[] | undefined> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(`${console}/api/v1/account/documents?order=${encodeURIComponent(order)}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: end.signal,
    });
    if (!answer.ok) return undefined;
    const { documents } = (await answer.json()) as { documents?: unknown };
    return Array.isArray(documents) ? documents.slice(0, MOST).flatMap((it) => read(it) ?? []) : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function read(value: unknown): Own | undefined {
  const it = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { title, url } = it;
  const issuedAt = new Date(String(it['issued_at']));
  if (typeof title !== 'string' || title === '' || Number.isNaN(issuedAt.getTime())) return undefined;
  // nothing but a web address becomes a link
  if (typeof url !== 'string' || !/^https:\/\/[^\s"'<>\\]+$/.test(url)) return undefined;
  return { title: title.slice(0, TEXT), issuedAt, url };
}
