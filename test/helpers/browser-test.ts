import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser.js';
import { shared } from './shared.js';

/** Pages of a file that are open at once: a browser with dozens of them is slow enough to miss what a test waits for. */
const LANES = 3;

type InBrowser = (t: ExecutionContext, browser: Browser) => Promise<void>;

/** A test that needs Chromium; where there is none it says so, and passes. */
export function browserTest(): (title: string, run: InBrowser) => void {
  const program = findChromium();
  if (program === null) {
    return (title) => test(`chromium: not found, console tests not run: ${title}`, (t) => t.pass());
  }
  const browser = shared(() => launchBrowser(program));
  const lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve());
  let tests = 0;
  return (title, run) =>
    test(title, async (t) => {
      const lane = tests++ % LANES;
      const done = lanes[lane]?.then(async () => run(t, await browser()));
      lanes[lane] = Promise.resolve(done).catch(() => undefined);
      await done;
    });
}
