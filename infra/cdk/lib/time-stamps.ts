import { readFileSync } from 'node:fs';

/** The authority that time-stamps the logs, if there is one. */
export interface TimeStampSettings {
  readonly url: string;
  /** Root certificates in PEM. */
  readonly roots: string;
  readonly digest: string;
  readonly renewDays: number;
}

/** What Lambda leaves of its 4 KB for the variables of a function, with room for the others. */
const MOST_CHARACTERS = 3000;

/** Both or neither: an authority that nobody trusts proves nothing. */
export function readTimeStamps(
  url: string | undefined,
  rootsFile: string | undefined,
  digest: string,
  renewDays: number,
): TimeStampSettings | undefined {
  if (url === undefined && rootsFile === undefined) return undefined;
  if (url === undefined || !/^https?:\/\/[^\s]{1,500}$/.test(url)) {
    throw new Error('context timeStampUrl: expected the address of a time-stamping authority, by http or https');
  }
  if (rootsFile === undefined)
    throw new Error('context timeStampRoots: expected a file with the root certificates in PEM');
  const roots = certificates(readFileSync(rootsFile, 'utf8'));
  if (roots === '') throw new Error(`context timeStampRoots: ${rootsFile} has no certificates in PEM`);
  if (roots.length > MOST_CHARACTERS) {
    throw new Error(`context timeStampRoots: ${rootsFile} has more than ${MOST_CHARACTERS} characters of certificates`);
  }
  return { url, roots, digest, renewDays };
}

/** Without what people write between them. */
function certificates(pem: string): string {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((certificate) => `${certificate}\n`).join('');
}

/** What archive-seal finds in its environment. */
export function timeStampEnvironment(settings: TimeStampSettings | undefined): Record<string, string> {
  if (settings === undefined) return {};
  return {
    TIME_STAMP_URL: settings.url,
    TIME_STAMP_ROOTS: settings.roots,
    TIME_STAMP_DIGEST: settings.digest,
    TIME_STAMP_RENEW_DAYS: String(settings.renewDays),
  };
}
