import type { Page, Route } from 'playwright-core';
import type { Api } from '../helpers/api.js';
import { openPage, openWindow, signIn } from '../helpers/browser.js';

const isGet = (route: Route) => route.request().method() === 'GET';

export const pathOf = (route: Route) => new URL(route.request().url()).pathname;

/**
 * Intercepts the GET requests of a page to the API. Other requests, such as those of signing in,
 * are not intercepted.
 */
export async function onApi(page: Page, handle: (route: Route) => Promise<void>): Promise<void> {
  await page.route('**/v1/**', async (route) => {
    if (!isGet(route)) return route.continue();
    await handle(route);
  });
}

/** Opens a window whose page is signed in. */
export async function openSignedIn(browser: Parameters<typeof openWindow>[0], api: Api, options = {}) {
  const context = await openWindow(browser, options);
  const { page, troubles } = await openPage(context);
  await signIn(page, api, '/nowhere');
  return { context, page, troubles };
}
