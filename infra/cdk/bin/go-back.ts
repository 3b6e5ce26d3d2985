// Prints the commands that put the versions of an earlier deployment back in force.
//
//   node --import tsx bin/go-back.ts <outputs file of that deployment> | sh -e

import { readFileSync } from 'node:fs';
import { goBack } from '../lib/go-back.ts';

const [outputsFile] = process.argv.slice(2);
if (outputsFile === undefined) {
  console.error('usage: go-back.ts <outputs file of an earlier deployment>');
  process.exit(2);
}
const stacks: Record<string, string>[] = Object.values(JSON.parse(readFileSync(outputsFile, 'utf8')));
if (stacks.length !== 1) throw new Error(`${outputsFile}: expected the outputs of one stack, not of ${stacks.length}`);
console.log(goBack(stacks[0] ?? {}).join('\n'));
