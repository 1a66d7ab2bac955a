import type { Browser, BrowserContext } from 'playwright-core';
import type { Api } from '../helpers/api.js';
import { openPage, openWindow, signIn, type Watched } from '../helpers/browser.js';

/** A browser window that shows the console. */
interface Window extends Watched {
  context: BrowserContext;
}

export interface SignedIn extends Watched {
  /** Returns the window for use by the next test. A failed test does not return it. */
  done(): void;
}

const idle = new Map<string, Window[]>();

/**
 * Opens the console at a path, signed in with the key of the API. Windows are reused by later
 * tests: each test reloads the page, and need not fill the cache of a new window.
 */
export async function openConsole(browser: Browser, api: Api, path: string): Promise<SignedIn> {
  const key = `${api.url} ${api.key}`;
  const windows = idle.get(key) ?? [];
  idle.set(key, windows);
  const free = windows.pop();
  const window = free ?? (await newWindow(browser));
  const { page, troubles } = window;
  if (free === undefined) await signIn(page, api, path);
  else {
    troubles.length = 0;
    await page.goto(`${api.url}/console${path}`);
    await page.locator('#content').waitFor();
  }
  return { page, troubles, done: () => void windows.push(window) };
}

async function newWindow(browser: Browser): Promise<Window> {
  const context = await openWindow(browser);
  return { ...(await openPage(context)), context };
}
