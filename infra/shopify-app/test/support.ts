// What the tests have in common: the published sample, and translations as the admin makes them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXTENSION } from '../lib/bundle.ts';

export const repository = join(import.meta.dirname, '../../..');
export const fromRepository = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** As write-back publishes it. */
export const SAMPLE = fromRepository('functions/write-back/samples/status-metafield.v2.json');

export const LANGUAGES = ['en', 'de', 'fr'] as const;
export type Language = (typeof LANGUAGES)[number];

export const locale = (language: Language): Record<string, unknown> =>
  JSON.parse(readFileSync(join(EXTENSION, `locales/${language}${language === 'en' ? '.default' : ''}.json`), 'utf8'));

/** `shopify.i18n` of a merchant: what is not in the locale's file is an error, and so is what is not filled in. */
export function words(language: Language) {
  const texts = locale(language);
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
