import test from 'ava';
import { findRqlited } from './rqlited.js';

/**
 * Registers tests on the real server, or one that says that there is none: a file without any test
 * would fail.
 */
export function onRqlite(what: string, register: (binary: string) => void): void {
  const binary = findRqlited();
  if (binary !== null) {
    register(binary);
    return;
  }
  test(`rqlite: not found, real-server suite not run: ${what}`, (t) => {
    t.log('name the binary with TEST_RQLITED; REQUIRE_SERVERS=rqlite makes this fail');
    t.pass();
  });
}
