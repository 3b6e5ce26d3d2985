// Prints the commands that put the versions of an earlier deployment back in force.
//
//   node --import tsx bin/go-back.ts <outputs file of that deployment> | sh -e

import { goBack } from '../lib/go-back.ts';
import { readOutputs } from '../lib/outputs.ts';

const [outputsFile] = process.argv.slice(2);
if (outputsFile === undefined) {
  console.error('usage: go-back.ts <outputs file of an earlier deployment>');
  process.exit(2);
}
console.log(goBack(readOutputs(outputsFile)).join('\n'));
