// Prints what `cdk import --resource-mapping` needs to take up what a deleted stack left behind.
//
//   node --import tsx bin/adopt.ts cdk.out/<stack>-data.template.json <outputs file of the deleted deployment> > adopt.json

import { readFileSync } from 'node:fs';
import { adoption } from '../lib/adopt.ts';
import { readOutputs } from '../lib/outputs.ts';

const [templateFile, outputsFile] = process.argv.slice(2);
if (templateFile === undefined || outputsFile === undefined) {
  console.error('usage: adopt.ts <template> <outputs file of the deleted deployment>');
  process.exit(2);
}
const template = JSON.parse(readFileSync(templateFile, 'utf8'));
console.log(JSON.stringify(adoption(template, readOutputs(outputsFile)), undefined, 2));
