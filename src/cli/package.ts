import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The root of the installed package, seen from dist/src/cli. */
const ROOT = new URL('../../../', import.meta.url);

/** A file or directory that ships with the package, such as `sdk/go`. */
export function packagePath(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT));
}

export function packageVersion(): string {
  const text = readFileSync(packagePath('package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
