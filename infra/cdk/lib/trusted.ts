// The kinds of people who may use a deployment, and who is trusted to be one.

import { listed } from './context.ts';

export const PEOPLE = ['operator', 'auditor', 'support', 'records'] as const;
export type Person = (typeof PEOPLE)[number];

/**
 * The ARNs in a setting, separated by commas.
 *
 * A whole account is refused: every user and role of it that may call `sts:AssumeRole` would get in.
 */
export function readTrusted(setting: string, text: string | undefined): string[] {
  const named = listed(text);
  for (const arn of named) {
    if (!/^arn:aws[a-z-]*:iam::\d{12}:(role|user|saml-provider)\/[\w+=.@/-]+$/.test(arn)) {
      throw new Error(`context ${setting}: \`${arn}\` is not the ARN of one role, user or SAML provider`);
    }
  }
  return named;
}
