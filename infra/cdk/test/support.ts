// A synthesized deployment for assertions: its two templates, and both as one. The functions' code is a folder of its own, so that nothing needs building.

import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as functions from '../lib/functions.ts';
import { readSettings, type Settings } from '../lib/settings.ts';
import { deployment } from '../lib/deployment.ts';

const names = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
export const FLOWS = names(functions.FLOWS);
export const RUNS = names(functions.RUNS);
export const FUNCTIONS = names(functions.FUNCTIONS);
/** Named by default, as is the console, so that a synthesized stack has every function. */
export const OUTCOME_BUS = 'outcomes';
export const PARTNER_BUS = 'aws.partner/shopify.com/123/main';

/** How CDK names the outputs that one stack reads of the other. */
export const BETWEEN_STACKS = 'PublishOutput';

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
  readonly stacks: readonly Stack[];
  /** Each stack's, by its name. */
  readonly templates: Readonly<Record<string, Template>>;
  /** Both as one, as if no reference led from one to the other. */
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
  const { data, compute } = deployment(app, settings);
  const stacks = [data, compute];
  const templates = Object.fromEntries(stacks.map((stack) => [stack.stackName, Template.fromStack(stack)]));
  return { app, stacks, templates, template: joined(Object.values(templates)), settings };
}

/** Templates as one: what one reads of another's outputs is a reference again. */
function joined(templates: readonly Template[]): Template {
  const all: any[] = templates.map((template) => template.toJSON());
  const outputs: Record<string, any> = Object.assign({}, ...all.map(({ Outputs }) => Outputs));
  const resolve = (_key: string, value: any) => {
    const read = value?.['Fn::GetStackOutput']?.OutputName;
    return read === undefined ? value : outputs[read].Value;
  };
  const whole = {
    Resources: Object.assign({}, ...all.map(({ Resources }) => Resources)),
    Outputs: Object.fromEntries(Object.entries(outputs).filter(([name]) => !name.startsWith(BETWEEN_STACKS))),
  };
  return Template.fromJSON(JSON.parse(JSON.stringify(whole), resolve));
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
