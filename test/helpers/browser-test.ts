import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser.js';
import { shared } from './shared.js';

/**
 * Pages of a file that are open at once: a browser with dozens of them is slow enough to miss what
 * a test waits for.
 */
const AT_ONCE = 3;

type InBrowser = (t: ExecutionContext, browser: Browser) => Promise<void>;

/** A test that needs Chromium; where there is none it says so, and passes. */
export function browserTest(): (title: string, run: InBrowser) => void {
  const program = findChromium();
  if (program === null) {
    return (title) => test(`chromium: not found, console tests not run: ${title}`, (t) => t.pass());
  }
  const browser = shared(() => launchBrowser(program));
  const queues: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  let tests = 0;
  return (title, run) =>
    test(title, async (t) => {
      const at = tests++ % AT_ONCE;
      const done = queues[at]?.then(async () => run(t, await browser()));
      queues[at] = Promise.resolve(done).catch(() => undefined);
      await done;
    });
}
