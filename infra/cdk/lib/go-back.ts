// How to go back to the versions that a deployment before had in force, by the outputs file that was kept of it: at once, without
// a deployment. Versions do not change, so what is gone back to is what ran then.

import { ALIAS } from './function.ts';

/** Commands for a shell, one per function. Throws where the outputs name no version. */
export function goBack(outputs: Readonly<Record<string, string>>): string[] {
  const functions = Object.entries(outputs).filter(
    ([key, value]) => /^Function[A-Z]/.test(key) && value.endsWith(`:${ALIAS}`),
  );
  if (functions.length === 0) throw new Error('the outputs name no function');
  return functions.map(([key, value]) => {
    const version = outputs[key.replace(/^Function/, 'Version')];
    if (version === undefined || !/^\d+$/.test(version)) throw new Error(`the outputs name no version of ${value}`);
    const name = value.slice(0, -ALIAS.length - 1);
    return `aws lambda update-alias --function-name ${name} --name ${ALIAS} --function-version ${version} --routing-config '{}'`;
  });
}
