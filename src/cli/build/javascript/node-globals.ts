import { readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { Loader } from 'esbuild';

const LOADERS = new Map<string, Loader>([
  ...(['.ts', '.mts', '.cts'] as const).map((extension): [string, Loader] => [extension, 'ts']),
  ...(['.js', '.mjs', '.cjs'] as const).map((extension): [string, Loader] => [extension, 'js']),
  ['.tsx', 'tsx'],
  ['.jsx', 'jsx'],
]);
/** Replaces the globals, where no declaration or import of the file has the name. */
const MARKS = { 'process.env': '__orama_process_env', Buffer: '__orama_Buffer' };

/**
 * Returns a warning for each of the function's own files that uses globals of Node that functions
 * do not have. Packages and files that check whether the global exists are left out.
 */
export async function nodeGlobalsIn(root: string, inputs: readonly string[]): Promise<string[]> {
  const { transform } = await import('esbuild');
  const warnings: string[] = [];
  for (const input of inputs) {
    const loader = LOADERS.get(extname(input));
    if (loader === undefined || input.includes('node_modules/') || /^\w{2,}:/.test(input)) continue;
    const text = readFileSync(resolve(root, input), 'utf8');
    if (/typeof (process|Buffer)\b/.test(text)) continue;
    const { code } = await transform(text, { loader, define: { ...NODE_ENV, ...MARKS } });
    const [, name] = /__orama_process_env(?:\.(\w+))?/.exec(code) ?? [undefined, undefined];
    if (code.includes(MARKS['process.env'])) {
      const read = name === undefined ? 'the second argument of the handler, env' : `env.${name}`;
      warnings.push(`${input} uses process.env, which functions do not have; read ${read}`);
    }
    if (code.includes(MARKS.Buffer)) {
      warnings.push(
        `${input} uses Buffer, which functions do not have; use Uint8Array, TextEncoder and btoa`,
      );
    }
  }
  return warnings;
}

/** Defined by the bundler. */
const NODE_ENV = { 'process.env.NODE_ENV': '"production"' };
