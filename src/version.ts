import { readFileSync } from 'node:fs';
import { z } from 'zod';

// From dist/src/ as from src/, the package's own description is the first one upwards.
function findVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found = z
        .object({ name: z.literal('orama-functions'), version: z.string() })
        .safeParse(JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')));
      if (found.success) return found.data.version;
    } catch {
      // Not here; one further up.
    }
  }
  return '0.0.0';
}

/** Of this build, as package.json has it. */
export const VERSION: string = findVersion();
