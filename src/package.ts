import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** Root of the installed package, relative to dist/src. */
const ROOT = new URL('../../', import.meta.url);

/** Returns the path of a file or directory of the package, such as `sdk/go`. */
export function packagePath(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT));
}

/** Version of this build, from package.json. */
export const { version: VERSION } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(packagePath('package.json'), 'utf8')));
