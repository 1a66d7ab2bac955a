import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { hasLoaded, openPage, openWindow, signIn } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { populate } from './scene.js';

const browserSays = browserTest();

const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});

/** In the page, which this project has no types of. */
const RUN_AXE = `(async () => {
  const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await axe.run({ runOnly: { type: 'tag', values } });
  return violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '));
})()`;

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(RUN_AXE);
}

const PATHS = [
  '',
  '/functions',
  '/functions/orders',
  '/functions/orders/invoke',
  '/functions/orders/request',
  '/functions/orders/triggers',
  '/functions/orders/versions',
  '/functions/charge-card/log',
  '/invocations',
  '/dead?function=charge-card',
  '/events?topic=orders:created',
  '/secrets',
  '/data',
  '/keys',
  '/usage',
  '/nowhere',
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    browserSays(
      `no page breaks a rule of accessibility, ${colorScheme} at ${width} pixels`,
      async (t, browser) => {
        const { api, url, scene } = await lived();
        const context = await openWindow(browser, {
          colorScheme,
          viewport: { width, height: 844 },
          reducedMotion: 'reduce',
        });
        const { page } = await openPage(context);
        await page.goto(`${url}/console`);
        await page.getByLabel('API key', { exact: true }).waitFor();
        const found: Record<string, string[]> = { 'sign-in': await violations(page) };
        await signIn(page, api);
        for (const path of [...PATHS, `/invocations/${scene.tree}`, `/invocations/${scene.failed}`]) {
          await page.goto(`${url}/console${path}`);
          await hasLoaded(page);
          found[path] = await violations(page);
          t.true(
            await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'),
            `${path} scrolls sideways`,
          );
        }
        t.deepEqual(
          Object.entries(found).filter(([, broken]) => broken.length > 0),
          [],
        );
        await context.close();
      },
    );
  }
}

browserSays(
  'everything on the way from sign-in to a cancelled purge is reached by keyboard',
  async (t, browser) => {
    const { adminKey, url } = await lived();
    const context = await openWindow(browser);
    const { page } = await openPage(context);
    await page.goto(`${url}/console`);
    const press = (key: string) => page.keyboard.press(key);
    const tabTo = async (name: string) => {
      for (let step = 0; step < 60; step++) {
        await press('Tab');
        const focused = await page.evaluate<string>(
          `document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''`,
        );
        if (focused.trim() === name) return;
      }
      t.fail(`the focus never came to ${name}`);
    };
    await page.getByLabel('API key', { exact: true }).waitFor();
    await press('Tab');
    await page.keyboard.type(adminKey);
    await press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await press('Tab');
    t.is(await page.evaluate<string>('document.activeElement?.textContent'), 'Skip to the content');
    await tabTo('Dead letters');
    await press('Enter');
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
    t.is(await page.evaluate<string>('document.activeElement?.id'), 'content');
    await press('Tab');
    await page.keyboard.type('charge-card');
    await page.getByRole('button', { name: 'Purge all' }).waitFor();
    await tabTo('Purge all');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus is back where it was.
    t.is(await page.evaluate<string>('document.activeElement?.textContent'), 'Purge all');
    await context.close();
  },
);
