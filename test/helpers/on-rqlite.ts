import { notRun } from './not-run.js';
import { findRqlited } from './rqlited.js';

/**
 * Registers tests for a real server. Without one, reports that they are not run.
 */
export function onRqlite(what: string, register: (binary: string) => void): void {
  const binary = findRqlited();
  if (binary !== null) {
    register(binary);
    return;
  }
  console.log('set TEST_RQLITED to the path of rqlited; with REQUIRE_SERVERS=rqlite this fails');
  notRun(`rqlite: not found, real-server suite not run: ${what}`);
}
