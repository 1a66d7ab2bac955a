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

/** What the rules that look at colours find in one scheme says nothing of the other. */
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
    const isOnChoice = () => page.evaluate<boolean>("document.activeElement?.tagName === 'SELECT'");
    for (let step = 0; step < 40 && !(await isOnChoice()); step++) await press('Tab');
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
