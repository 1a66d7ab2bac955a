import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser.js';
import { shared } from './shared.js';

type InBrowser = (t: ExecutionContext, browser: Browser) => Promise<void>;

/** A test that needs Chromium; where there is none it says so, and passes. */
export function browserTest(): (title: string, run: InBrowser) => void {
  const program = findChromium();
  if (program === null) {
    return (title) => test(`chromium: not found, console tests not run: ${title}`, (t) => t.pass());
  }
  const browser = shared(() => launchBrowser(program));
  return (title, run) => test(title, async (t) => run(t, await browser()));
}
