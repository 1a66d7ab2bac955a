import type { Page } from 'playwright-core';
import { acts } from '../helpers/acts.js';
import { hasLoaded, openPage, openWindow, signIn, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { populate } from './scene.js';
import { livedViews } from './views.js';
import { violations } from './violations.js';

const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});
const browserSays = browserTest(lived);

/** Colour rules are checked in both colour schemes, because their results differ. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];
const WIDTHS = [1280, 390];

browserSays(
  'no page breaks a rule of accessibility, light and dark, at 1280 and at 390 pixels',
  async (t, browser) => {
    const { api, url, scene } = await lived();
    const context = await openWindow(browser, { colorScheme: 'light', reducedMotion: 'reduce' });
    const { page } = await openPage(context);
    const found: Record<string, string[]> = {};
    const look = async (name: string) => {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 844 });
        await page.emulateMedia({ colorScheme: 'light' });
        found[`${name} ${width} light`] = await violations(page);
        await page.emulateMedia({ colorScheme: 'dark' });
        found[`${name} ${width} dark`] = await violations(page, COLOUR_RULES);
        t.true(
          await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'),
          `${name} scrolls sideways at ${width} pixels`,
        );
      }
    };
    await page.goto(`${url}/console`);
    await page.getByLabel('API key', { exact: true }).waitFor();
    await look('sign-in');
    await signIn(page, api);
    const tree = { name: 'tree', path: `/invocations/${scene.tree}` };
    const filtered = [
      { name: 'dead letters of a function', path: '/dead?function=charge-card' },
      { name: 'live messages', path: '/events?topic=orders:created' },
      { name: 'nothing', path: '/nowhere' },
    ];
    for (const { name, path } of [...livedViews(scene), tree, ...filtered]) {
      await turnTo(page, path);
      await hasLoaded(page);
      await look(name);
    }
    t.deepEqual(
      Object.entries(found).filter(([, broken]) => broken.length > 0),
      [],
    );
    await context.close();
  },
);

/** Returns the accessible name of the focused element. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>(FOCUSED);
}

/** Runs in the page. The code editor is in a shadow tree of its own. */
const FOCUSED = `(() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return (element?.getAttribute('aria-label') ?? element?.textContent ?? '').trim();
})()`;

/** A page that finishes loading moves the focus to its content, so Tab starts again from there. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`the focus never came to ${name}`);
}

/** Waits for the target page of a link, whose content has the focus. */
async function arrivedAt(page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  await until('the focus on the content', () =>
    page.evaluate<boolean>(`document.activeElement?.id === 'content'`),
  );
  await hasLoaded(page);
}

browserSays('a dialog with a long text breaks no rule of accessibility', async (t, browser) => {
  const { api, scene } = await lived();
  const context = await openWindow(browser, { viewport: { width: 390, height: 844 } });
  const { page } = await openPage(context);
  await signIn(page, api, `/invocations/${scene.failed}`);
  await page.getByRole('button', { name: 'Replay…' }).click();
  await page.locator('dialog .cm-content').waitFor();
  t.deepEqual(await violations(page), []);
  await context.close();
});

browserSays(
  'everything on the way from sign-in to a cancelled purge is reached by keyboard',
  async (t, browser) => {
    const { adminKey, url } = await lived();
    const context = await openWindow(browser);
    const { page } = await openPage(context);
    await page.goto(`${url}/console`);
    const press = (key: string) => page.keyboard.press(key);
    await page.getByLabel('API key', { exact: true }).waitFor();
    await press('Tab');
    await page.keyboard.type(adminKey);
    await press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await press('Tab');
    t.is(await focused(page), 'Skip to the content');
    await tabTo(page, 'Dead letters');
    await press('Enter');
    await arrivedAt(page, 'Dead letters');
    // The options must be loaded before typed letters can select one.
    await page.locator('option', { hasText: 'charge-card' }).waitFor({ state: 'attached' });
    const isOnChoice = () => page.evaluate<boolean>("document.activeElement?.tagName === 'SELECT'");
    for (let step = 0; step < 40 && !(await isOnChoice()); step++) await press('Tab');
    await page.keyboard.type('charge-card');
    await page.getByRole('button', { name: 'Purge all' }).waitFor();
    await tabTo(page, 'Purge all');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus has returned to the element that opened the dialog.
    t.is(await focused(page), 'Purge all');
    await context.close();
  },
);

browserSays(
  'a function is invoked, its invocation opened and replayed, by keyboard alone',
  async (t, browser) => {
    const { api } = await lived();
    const context = await openWindow(browser);
    const { page } = await openPage(context);
    await signIn(page, api);
    const press = (key: string) => page.keyboard.press(key);
    await tabTo(page, 'Functions');
    await press('Enter');
    await arrivedAt(page, 'Functions');
    await tabTo(page, 'orders');
    await press('Enter');
    await arrivedAt(page, 'orders');
    await tabTo(page, 'Invoke');
    await press('Enter');
    await page.locator('.cm-content[aria-label="Input"]').waitFor();
    await tabTo(page, 'Input');
    await press('Control+A');
    await page.keyboard.insertText(acts('echo typed'));
    await press('Control+Enter');
    await page.getByRole('link', { name: 'show the invocation' }).waitFor();
    // Tab moves the focus out of the editor.
    await tabTo(page, 'show the invocation');
    await press('Enter');
    await arrivedAt(page, 'orders');
    const first = page.url();
    await tabTo(page, 'Replay…');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, 'Replay');
    await press('Enter');
    await page.waitForURL((url) => url.href !== first);
    await page.getByLabel('Output', { exact: true }).waitFor();
    t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /typed/);
    await context.close();
  },
);
