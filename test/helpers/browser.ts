import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
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
/** The browser logs every response other than 2xx; tests check these by the content of the page. */
const REFUSED = /^Failed to load resource|^WebSocket connection to .* Unexpected response code/;
const TIMEOUT_MS = 60_000;
const DESCRIPTION_MS = 5_000;

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

/** Opens a browser context without the session and storage of other tests. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    // Animations would keep the browser rendering while a test waits.
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  return context;
}

/** A page with its errors: script errors and violations of its content security policy. */
export interface Watched {
  page: Page;
  troubles: string[];
}

/** The requests of each page that have no complete response yet. */
const pending = new WeakMap<Page, Set<Request>>();

export async function openPage(context: BrowserContext): Promise<Watched> {
  const page = await context.newPage();
  const troubles: string[] = [];
  const requests = new Set<Request>();
  pending.set(page, requests);
  page.on('request', (request) => requests.add(request));
  for (const end of ['requestfinished', 'requestfailed'] as const)
    page.on(end as 'requestfinished', (request) => requests.delete(request));
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !REFUSED.test(message.text())) {
      troubles.push(`console: ${message.text()}`);
    }
  });
  return { page, troubles };
}

/** Describes every open page: its address, visible text and unanswered requests. */
export async function pagesOf(browser: Browser): Promise<string[]> {
  const pages = browser.contexts().flatMap((context) => context.pages());
  return Promise.all(
    pages.map(async (page) => {
      const text = await page
        .locator('body')
        .innerText({ timeout: DESCRIPTION_MS })
        .catch((error: unknown) => `no text: ${error}`);
      const unanswered = [...(pending.get(page) ?? [])].map(
        (request) => `${request.method()} ${request.url()}`,
      );
      return [page.url(), text, ...unanswered.map((request) => `unanswered: ${request}`)].join('\n');
    }),
  );
}

/** Opens the console at a path with a sign-in link for the given key. */
export async function signIn(page: Page, api: Api, path = ''): Promise<void> {
  const { json } = await api.post('/v1/auth/console-links', {});
  await page.goto(`${api.url}/console${path}#token=${json.token}`);
  await page.locator('#content').waitFor();
}

/**
 * Navigates to another page of the console like one of its links, without a reload: the old content
 * disappears and the new content is requested.
 */
export async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`${TURN}(${JSON.stringify(['/console/nowhere', `/console${path}`])})`);
}

/** Runs in the page, whose types are not available here. */
const TURN = `(async ([away, path]) => {
  for (const to of [away, path]) {
    history.pushState(null, '', to);
    dispatchEvent(new Event('orama:navigated'));
    await new Promise((resolve) => setTimeout(resolve));
  }
})`;

/** Enters text in a code editor field once the editor has been loaded. */
export async function fillCode(page: Page, label: string, text: string): Promise<void> {
  const editor = page.locator(`.cm-content[aria-label="${label}"]`);
  await editor.focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

/** Waits until a page of the console has loaded its data. */
export async function hasLoaded(page: Page): Promise<void> {
  await page.locator('#content h1').waitFor();
  const skeletons = page.locator('#content .skeleton');
  const end = performance.now() + TIMEOUT_MS;
  while ((await skeletons.count()) > 0) {
    if (performance.now() > end)
      throw new Error(`still ${await skeletons.first().getAttribute('aria-label')}`);
    await page.waitForTimeout(50);
  }
}
