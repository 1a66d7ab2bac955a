import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser.js';
import { shared } from './shared.js';

/**
 * Maximum number of open pages per file: a browser with dozens of pages is slow enough to exceed
 * timeouts.
 */
const AT_ONCE = 3;

type InBrowser = (t: ExecutionContext, browser: Browser) => Promise<void>;

/**
 * Registers a test that needs Chromium. Without Chromium, the test passes with a note in its title.
 */
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
