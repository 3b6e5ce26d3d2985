// What a shop's configuration says of its documents. Whether it is right is for `ctl config check` to say.

import { parse } from 'smol-toml';
import { DOCUMENTS, type Document, Unusable } from './app.ts';

export interface Shop {
  documents: Document[];
  reconcile: boolean;
}

export function shop(text: string): Shop {
  const config = parse(text);
  const documents = Object.entries((config['documents'] ?? {}) as Record<string, { enabled?: boolean }>);
  const unknown = documents.map(([name]) => name).filter((name) => !DOCUMENTS.includes(name as Document));
  if (unknown.length > 0) throw new Unusable(`no such documents: ${unknown.join(', ')}`);
  const on = documents.filter(([, { enabled }]) => enabled ?? true);
  return { documents: on.map(([name]) => name as Document), reconcile: config['reconcile'] !== undefined };
}
