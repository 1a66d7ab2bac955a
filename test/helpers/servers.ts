import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Finds the program of a real server: in the environment variable, or else on PATH. Without it, the
 * suite runs on a recorded exchange and reports this, unless REQUIRE_SERVERS lists the server, in
 * which case it fails.
 */
export function findServer(server: string, variable: string, program: string): string | null {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  if ((process.env.REQUIRE_SERVERS ?? '').split(',').includes(server)) {
    throw new Error(
      `${program} is on no PATH and ${variable} is not set, but REQUIRE_SERVERS lists ${server}`,
    );
  }
  console.log(`${server}: not found, real-server suite not run`);
  return null;
}
