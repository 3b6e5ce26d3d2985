// The rules of cdk-nag. Apart from `support.ts`: they take long to load, and few tests ask them.

import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';

export const PACKS = { AwsSolutionsChecks, ServerlessChecks, NIST80053R5Checks };

/** Lets a synthesis fail where a rule is broken. */
export function check(app: App): void {
  Validations.of(app).addPlugins(...Object.values(PACKS).map((Pack) => new Pack(app)));
}
