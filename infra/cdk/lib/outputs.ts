// The outputs file of a deployment: what `cdk deploy --all --outputs-file` wrote of its stacks.

import { readFileSync } from 'node:fs';
import { dataStackName } from './names.ts';

/** The outputs of a deployment's stacks as one. Throws where the file has other stacks than those of one deployment. */
export function readOutputs(file: string): Readonly<Record<string, string>> {
  const stacks: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(readFileSync(file, 'utf8'));
  const [first, second, ...more] = Object.keys(stacks).sort();
  const one = first !== undefined && more.length === 0 && (second === undefined || second === dataStackName(first));
  if (!one)
    throw new Error(`${file}: expected the outputs of one deployment, not of ${Object.keys(stacks).join(', ')}`);
  return Object.assign({}, ...Object.values(stacks));
}
