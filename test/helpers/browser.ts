import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import type { Api } from './api.js';

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/**
 * The browser itself notes every reply that is no 2xx, which tests look at by what the page then
 * says.
 */
const REFUSED = /^Failed to load resource|^WebSocket connection to .* Unexpected response code/;
const PATIENCE_MS = 20_000;

export function findChromium(): string | null {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(dir, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  }
  return null;
}

export async function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGS });
}

/** A window of its own: no session, no storage of another test. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    // Nothing has to be drawn again and again while a test waits.
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}

/** What a page must never do: fail in its scripts, or be refused something by its own policy. */
export interface Watched {
  page: Page;
  troubles: string[];
}

export async function openPage(context: BrowserContext): Promise<Watched> {
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !REFUSED.test(message.text())) {
      troubles.push(`console: ${message.text()}`);
    }
  });
  return { page, troubles };
}

/** Opens the console at a path by a sign-in link of the given key. */
export async function signIn(page: Page, api: Api, path = ''): Promise<void> {
  const { json } = await api.post('/v1/auth/console-links', {});
  await page.goto(`${api.url}/console${path}#token=${json.token}`);
  await page.locator('#content').waitFor();
}

/**
 * Opens another page of the console as a link of it does, without loading it anew: what the page
 * showed before is gone from it, and what it shows now is asked for.
 */
export async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`${TURN}(${JSON.stringify(['/console/nowhere', `/console${path}`])})`);
}

/** In the page, which this project has no types of. */
const TURN = `(async ([away, path]) => {
  for (const to of [away, path]) {
    history.pushState(null, '', to);
    dispatchEvent(new Event('orama:navigated'));
    await new Promise((resolve) => setTimeout(resolve));
  }
})`;

/** Writes a text into a field that is a code editor, when the editor's own code has come. */
export async function fillCode(page: Page, label: string, text: string): Promise<void> {
  const editor = page.locator(`.cm-content[aria-label="${label}"]`);
  await editor.focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

/** Waits until a page of the console shows what it has asked for. */
export async function hasLoaded(page: Page): Promise<void> {
  await page.locator('#content h1').waitFor();
  const skeletons = page.locator('#content .skeleton');
  const end = performance.now() + PATIENCE_MS;
  while ((await skeletons.count()) > 0) {
    if (performance.now() > end)
      throw new Error(`still ${await skeletons.first().getAttribute('aria-label')}`);
    await page.waitForTimeout(50);
  }
}
