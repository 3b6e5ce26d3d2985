// A synthesized stack for assertions. The functions' code is a folder of its own, so that nothing needs building.

import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as functions from '../lib/functions.ts';
import { readSettings, type Settings } from '../lib/settings.ts';
import { CommunicationsStack } from '../lib/stack.ts';

const names = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
export const FLOWS = names(functions.FLOWS);
export const RUNS = names(functions.RUNS);
export const FUNCTIONS = names(functions.FUNCTIONS);
/** Named by default, as is the console, so that a synthesized stack has every function. */
export const OUTCOME_BUS = 'outcomes';
export const PARTNER_BUS = 'aws.partner/shopify.com/123/main';

// CloudFormation's own schema rules take seconds to load: `rules.test.ts` asks them, the others need not
process.env.CDK_VALIDATION = 'false';

/** The feature flags that a deployment has: what is asserted is what the command line deploys. */
export const flags = JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8')).context;

const scratch = mkdtempSync(join(tmpdir(), 'cdk-test-'));
const codeRoot = join(scratch, 'lambda');
for (const name of FUNCTIONS) {
  mkdirSync(join(codeRoot, name), { recursive: true });
  writeFileSync(join(codeRoot, name, 'bootstrap'), '');
}
process.on('exit', () => rmSync(scratch, { recursive: true }));

export interface Synthesized {
  readonly app: App;
  readonly stack: Stack;
  readonly template: Template;
  readonly settings: Settings;
}

export function synthesize(context: Record<string, string> = {}, prepare: (app: App) => void = () => {}): Synthesized {
  const bus = 'createBus' in context || 'eventBus' in context ? {} : { eventBus: PARTNER_BUS };
  const app = new App({
    analyticsReporting: false,
    outdir: mkdtempSync(join(scratch, 'cdk.out-')),
    context: { ...flags, codeRoot, ...bus, outcomeBus: OUTCOME_BUS, console: 'true', ...context },
  });
  prepare(app);
  const settings = readSettings(app.node);
  const stack = new CommunicationsStack(app, settings.prefix, { settings });
  return { app, stack, template: Template.fromStack(stack), settings };
}

interface Resource {
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

/** The resource of a type whose logical id is `id` and CDK's hash. */
export function only(template: Template, type: string, id: string): Resource & { readonly logicalId: string } {
  const pattern = new RegExp(`^${id}[0-9A-F]{8}$`);
  const found = Object.entries(template.findResources(type)).filter(([logicalId]) => pattern.test(logicalId));
  if (found.length !== 1) throw new Error(`${found.length} resources of ${type} named ${id}, expected one`);
  const [logicalId, resource] = found[0] as [string, Resource];
  return { logicalId, ...resource };
}

export function arn(resource: { readonly logicalId: string }): { 'Fn::GetAtt': [string, 'Arn'] } {
  return { 'Fn::GetAtt': [resource.logicalId, 'Arn'] };
}

/** `OrderConfirmation` of `order-confirmation`: the first part of the logical ids of what belongs to a function. */
export function idOf(name: string): string {
  const words = name.split('-');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
