import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Root of the installed package, relative to dist/src/cli. */
const ROOT = new URL('../../../', import.meta.url);

/** Returns the path of a file or directory of the package, such as `sdk/go`. */
export function packagePath(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT));
}

export function packageVersion(): string {
  const text = readFileSync(packagePath('package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
