import { acts, actsWasm } from '../helpers/acts.js';
import { hasLoaded, openPage, openWindow, signIn, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** What pages show when clocks differ, replies are slow, or the engine is away. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

/** Runs in the page before its scripts. Shifts the clock of the browser by a number of hours. */
const SHIFT_CLOCK = (hours: number) => `{
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...values) {
      if (values.length === 0) super(Real.now() + ${hours} * 3600_000);
      else super(...values);
    }
    static now() { return Real.now() + ${hours} * 3600_000; }
  };
}`;

browserSays(
  'ages and durations are those of the engine if the clock of the browser is wrong',
  async (t, browser) => {
    const tenant = await aTenant(await engine());
    await tenant.deploy('timed', await actsWasm(), {
      timeout_seconds: '120',
      metadata: JSON.stringify({ triggers: [{ topic: 'timed:child' }] }),
    });
    await tenant.invoke('timed', acts('publish timed:child {sleep 60000}'));
    const running = async () => (await tenant.get('/v1/invocations?status=running')).json.invocations[0];
    await until('the child runs', async () => (await running()) !== undefined);
    const { request_id: id } = await running();
    for (const hours of [-1, 1]) {
      const context = await openWindow(browser);
      await context.addInitScript(SHIFT_CLOCK(hours));
      const { page } = await openPage(context);
      await signIn(page, tenant, '/functions');
      await hasLoaded(page);
      t.regex(await page.locator('tbody tr').innerText(), /\d (s|min) ago$/, `${hours} h: deployed`);
      await turnTo(page, `/invocations/${id}`);
      await page.locator('.tree li').last().waitFor();
      const length = await page.locator('.tree li').last().locator('.number').innerText();
      t.regex(length, /^\d[\d.]* (ms|s)$|^\d min/, `${hours} h: runs`);
      await context.close();
    }
    await tenant.delete(`/v1/invocations/${id}`);
  },
);

browserSays('a slow reply does not take its user away from another page', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('slow', await actsWasm());
  await tenant.post('/v1/functions/slow/triggers', { cron: '0 3 1 1 *' });
  const { headers } = await tenant.invoke('slow', acts('exit 1'));
  const { context, page } = await openSignedIn(browser, tenant);
  let release = () => {};
  await page.route(/\/(invoke|run|replay\?.*|slow)$/, async (route) => {
    if (route.request().method() === 'GET') return route.continue();
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await route.continue();
  });
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const inDialog = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });
  const begun: readonly (readonly [path: string, begin: () => Promise<void>])[] = [
    [
      '/functions/slow/invoke',
      async () => {
        await page.getByLabel('Do not wait for the result').check();
        await button('Invoke').click();
      },
    ],
    ['/functions/slow/triggers', async () => button(/^Run trigger/).click()],
    [
      `/invocations/${headers.get('x-request-id')}`,
      async () => {
        await button('Replay…').click();
        await inDialog('Replay').click();
        await page.keyboard.press('Escape');
      },
    ],
    [
      '/functions/slow',
      async () => {
        await button('Delete the function').click();
        await inDialog('Delete slow').click();
      },
    ],
  ];
  for (const [path, begin] of begun) {
    await turnTo(page, path);
    await hasLoaded(page);
    const asked = page.waitForRequest((request) => request.method() !== 'GET');
    await begin();
    const replied = (await asked).response();
    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByLabel('Name').fill('HALF_TYPED');
    release();
    await replied;
    await page.waitForTimeout(300);
    t.is(await page.getByLabel('Name').inputValue(), 'HALF_TYPED', path);
  }
  await context.close();
});

browserSays('an engine that is away is not shown as ok', async (t, browser) => {
  const { context, page } = await openSignedIn(browser, await aTenant(await engine()));
  await turnTo(page, '');
  const panel = page.locator('.panel', { has: page.getByRole('heading', { name: 'Engine' }) });
  await panel.locator('header .state').waitFor();
  await page.route('**/v1/status', (route) => route.abort());
  await panel.getByText('Not up to date').waitFor();
  t.is(await panel.locator('header .state').count(), 0);
  await page.unroute('**/v1/status');
  await panel.locator('header .state').waitFor();
  await context.close();
});
