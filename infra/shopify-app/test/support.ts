// What the tests have in common: the published sample, translations as Shopify makes them, and waiting for what is
// shown.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXTENSION } from '../lib/bundle.ts';

export const repository = join(import.meta.dirname, '../../..');
export const fromRepository = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** As write-back publishes it. */
export const SAMPLE = fromRepository('functions/write-back/samples/status-metafield.v2.json');

export const LANGUAGES = ['en', 'de', 'fr'] as const;
export type Language = (typeof LANGUAGES)[number];

export const locale = (language: Language, of = EXTENSION): Record<string, unknown> =>
  JSON.parse(readFileSync(join(of, `locales/${language}${language === 'en' ? '.default' : ''}.json`), 'utf8'));

/** `shopify.i18n` of an extension: what is not in the locale's file is an error, and so is what is not filled in. */
export function words(language: Language, of = EXTENSION) {
  const texts = locale(language, of);
  const translate = (key: string, options: Record<string, string | number> = {}): string => {
    let found = key
      .split('.')
      .reduce<unknown>((it, part) => (it as Record<string, unknown> | undefined)?.[part], texts);
    if (typeof found === 'object' && found !== null && 'count' in options) {
      const plural = new Intl.PluralRules(language).select(Number(options['count']));
      found = (found as Record<string, unknown>)[plural] ?? (found as Record<string, unknown>)['other'];
    }
    if (typeof found !== 'string') throw new Error(`no text for ${key} in ${language}`);
    // one pass: what a replacement says is not replaced again
    return found.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = options[name];
      if (value === undefined) throw new Error(`${key} needs ${name}`);
      return String(value);
    });
  };
  const formatDate = (date: Date, options?: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { timeZone: 'UTC', ...options }).format(date);
  return { translate, formatDate };
}

/** Waits for what an extension shows. */
export async function until<T>(find: () => T | null | undefined | false, what: string): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`no ${what} in ${document.body.innerHTML}`);
}
