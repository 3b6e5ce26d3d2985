// An extension's script, bundled as the Shopify CLI does: every target's module, registered under its name. Shopify
// refuses a script of more than 64 KB.

import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';

/** For staff, in the admin. */
export const EXTENSION = join(import.meta.dirname, '../extensions/documents');
/** For customers, in their account. */
export const ACCOUNT = join(import.meta.dirname, '../extensions/account');

export interface Targeting {
  target: string;
  module: string;
}

export function targeting(of = EXTENSION): Targeting[] {
  const text = readFileSync(join(of, 'shopify.extension.toml'), 'utf8');
  const [extension] = parse(text)['extensions'] as unknown as { targeting: Targeting[] }[];
  return extension?.targeting ?? [];
}

export async function bundle(of = EXTENSION): Promise<string> {
  const lines = targeting(of).map(
    ({ target, module }, index) =>
      `import Target${index} from '${module}'; shopify.extend('${target}', (...args) => Target${index}(...args));`,
  );
  const { outputFiles } = await build({
    stdin: { contents: lines.join('\n'), resolveDir: of, loader: 'tsx' },
    bundle: true,
    write: false,
    minify: true,
    legalComments: 'none',
    target: 'es6',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}
