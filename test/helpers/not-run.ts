import test from 'ava';

/**
 * Reports tests that this machine cannot run, with the reason, as skipped: ava refuses a file
 * without tests.
 */
export function notRun(title: string): void {
  test.skip(title, (t) => t.fail());
}
