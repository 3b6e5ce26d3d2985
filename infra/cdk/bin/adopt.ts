// Prints what `cdk import --resource-mapping` needs to take up what a deleted stack left behind.
//
//   node --import tsx bin/adopt.ts cdk.out/<stack>.template.json <outputs file of the deleted stack> > adopt.json

import { readFileSync } from 'node:fs';
import { adoption } from '../lib/adopt.ts';

const [templateFile, outputsFile] = process.argv.slice(2);
if (templateFile === undefined || outputsFile === undefined) {
  console.error('usage: adopt.ts <template> <outputs file of the deleted stack>');
  process.exit(2);
}
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const stacks: Record<string, string>[] = Object.values(read(outputsFile));
if (stacks.length !== 1) throw new Error(`${outputsFile}: expected the outputs of one stack, not of ${stacks.length}`);
console.log(JSON.stringify(adoption(read(templateFile), stacks[0] ?? {}), undefined, 2));
