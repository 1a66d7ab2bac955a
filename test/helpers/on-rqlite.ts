import test from 'ava';
import { findRqlited } from './rqlited.js';

/**
 * Registers tests for a real server. Without one, registers a test that says so, since a file
 * without tests would fail.
 */
export function onRqlite(what: string, register: (binary: string) => void): void {
  const binary = findRqlited();
  if (binary !== null) {
    register(binary);
    return;
  }
  test(`rqlite: not found, real-server suite not run: ${what}`, (t) => {
    t.log('set TEST_RQLITED to the path of rqlited; with REQUIRE_SERVERS=rqlite this fails');
    t.pass();
  });
}
