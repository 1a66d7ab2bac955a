import { readFileSync } from 'node:fs';
import { z } from 'zod';

// Looks for the package's own package.json one or two directories up: the module runs from
// dist/src/ and from src/.
function findVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found = z
        .object({ name: z.literal('orama-functions'), version: z.string() })
        .safeParse(JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')));
      if (found.success) return found.data.version;
    } catch {
      // Not in this directory; try the next one.
    }
  }
  return '0.0.0';
}

/** Version of this build, from package.json. */
export const VERSION: string = findVersion();
