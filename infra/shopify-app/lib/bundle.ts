// The extension's script, bundled as the Shopify CLI does: every target's module, registered under its name. Shopify
// refuses a script of more than 64 KB.

import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';

export const EXTENSION = join(import.meta.dirname, '../extensions/documents');

export interface Targeting {
  target: string;
  module: string;
}

export function targeting(): Targeting[] {
  const text = readFileSync(join(EXTENSION, 'shopify.extension.toml'), 'utf8');
  const [extension] = parse(text)['extensions'] as unknown as { targeting: Targeting[] }[];
  return extension?.targeting ?? [];
}

export async function bundle(): Promise<string> {
  const lines = targeting().map(
    ({ target, module }, index) =>
      `import Target${index} from '${module}'; shopify.extend('${target}', (...args) => Target${index}(...args));`,
  );
  const { outputFiles } = await build({
    stdin: { contents: lines.join('\n'), resolveDir: EXTENSION, loader: 'tsx' },
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
