import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'playwright-core';
import type { Closable } from '../../src/ports/closable.js';
import { findChromium, launchBrowser, pagesOf } from './browser.js';
import { notRun } from './not-run.js';
import { shared } from './shared.js';

/** The length of the end of an engine's log that a failed test shows. */
const MAX_LOG = 4000;

type InBrowser = (t: ExecutionContext, browser: Browser) => Promise<void>;

/** Registers a test that needs Chromium. */
export type BrowserTest = (title: string, run: InBrowser) => void;

/** What a test opens for the browser, such as an engine, with its log so far. */
interface Opened extends Closable {
  log?(): string;
}

/**
 * Returns a function that registers tests in one browser per file. The tests run serially, because
 * the browser uses all processors, and the time that a test waits would count as its duration. The
 * resources in `open` are opened together with the browser before the first test. Without Chromium,
 * the tests are skipped.
 */
export function browserTest(...open: readonly (() => Promise<Opened>)[]): BrowserTest {
  const program = findChromium();
  if (program === null) {
    return (title) => notRun(`chromium: not found, console tests not run: ${title}`);
  }
  const browser = shared(() => launchBrowser(program));
  test.before('the browser is open, and what is shown in it', async () => {
    await Promise.all([browser(), ...open.map((each) => each())]);
  });
  return (title, run) =>
    test.serial(title, async (t) => {
      const opened = await browser();
      try {
        await run(t, opened);
      } catch (error) {
        // What was waited for is seldom what went wrong.
        for (const shown of await pagesOf(opened)) t.log(shown);
        for (const each of open) t.log((await each()).log?.().slice(-MAX_LOG) ?? '');
        throw error;
      }
    });
}
