import { hasLoaded, openPage, openWindow, signIn } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { populate } from './scene.js';
import { violations } from './violations.js';

const browserSays = browserTest();

const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});

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
  '/events/0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70',
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
    const focused = () =>
      page.evaluate<string>(
        `(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim()`,
      );
    // A page that is still loading moves the focus to its content when it comes, and begins anew.
    const tabTo = async (name: string) => {
      await page.getByText(name, { exact: true }).first().waitFor();
      for (let step = 0; step < 120; step++) {
        await press('Tab');
        if ((await focused()) === name) return;
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
    await until('the focus on the content', () =>
      page.evaluate<boolean>(`document.activeElement?.id === 'content'`),
    );
    // Its options have to be there before letters choose among them.
    await page.locator('option', { hasText: 'charge-card' }).waitFor({ state: 'attached' });
    await press('Tab');
    await page.keyboard.type('charge-card');
    await page.getByRole('button', { name: 'Purge all' }).waitFor();
    await tabTo('Purge all');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus is back where it was.
    t.is(await focused(), 'Purge all');
    await context.close();
  },
);
