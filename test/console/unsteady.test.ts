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
    await tenant.invoke('timed', acts('publish timed:child {sleep 110000}'));
    const running = async (): Promise<{ request_id: string } | undefined> =>
      (await tenant.get('/v1/invocations?status=running')).json.invocations[0];
    const { request_id: id } = await until('the child runs', running);
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
    t.is((await running())?.request_id, id, 'the child has run all the time');
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
  const begun: readonly (readonly [path: string, says: string, begin: () => Promise<void>])[] = [
    [
      '/functions/slow/invoke',
      'Runs as ',
      async () => {
        await page.getByLabel('Do not wait for the result').check();
        await button('Invoke').click();
      },
    ],
    ['/functions/slow/triggers', 'Runs as ', async () => button(/^Run trigger/).click()],
    [
      `/invocations/${headers.get('x-request-id')}`,
      'Runs again as ',
      async () => {
        await button('Replay…').click();
        await inDialog('Replay').click();
        await page.keyboard.press('Escape');
      },
    ],
    [
      '/functions/slow',
      'Deleted slow.',
      async () => {
        await button('Delete the function').click();
        await inDialog('Delete slow').click();
      },
    ],
  ];
  for (const [path, says, begin] of begun) {
    // Loaded anew, without the message about the last reply.
    await page.goto(`${tenant.url}/console${path}`);
    await hasLoaded(page);
    const asked = page.waitForRequest((request) => request.method() !== 'GET');
    await begin();
    await asked;
    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByLabel('Name').fill('HALF_TYPED');
    release();
    const said = page.locator('.message', { hasText: says });
    await said.waitFor();
    t.is(await page.getByLabel('Name').inputValue(), 'HALF_TYPED', path);
  }
  await context.close();
});

browserSays('a deletion leaves the pages of its function, whichever of them is open', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('gone', await actsWasm());
  const { context, page } = await openSignedIn(browser, tenant);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/\/gone$/, async (route) => {
    if (route.request().method() === 'DELETE') await held;
    await route.continue();
  });
  await turnTo(page, '/functions/gone');
  await page.getByRole('button', { name: 'Delete the function' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete gone' }).click();
  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('region', { name: 'Versions' }).waitFor();
  release();
  await page.getByText('Deleted gone.').waitFor();
  await page.getByRole('heading', { name: 'Functions', level: 1 }).waitFor();
  t.pass();
  await context.close();
});

browserSays('an engine that is away is not shown as ok', async (t, browser) => {
  const { context, page } = await openSignedIn(browser, await aTenant(await engine()));
  await turnTo(page, '');
  const panel = page.locator('.panel', { has: page.getByRole('heading', { name: 'Engine' }) });
  await panel.locator('.parts .state').first().waitFor();
  await page.route('**/v1/status', (route) => route.abort());
  await panel.getByText('Not up to date').waitFor();
  t.is(await panel.locator('.state').count(), 0);
  t.notRegex(await panel.innerText(), /up for/);
  await page.unroute('**/v1/status');
  await panel.locator('header .state').waitFor();
  await context.close();
});

browserSays('a failed batch of dead letters says how many were replayed before', async (t, browser) => {
  const tenant = await aTenant(await engine());
  for (const name of ['first', 'second']) {
    await tenant.deploy(name, await actsWasm());
    await tenant.invoke(name, acts('exit 65'), { Prefer: 'respond-async' });
  }
  await until('both are dead', async () => {
    const { json } = await tenant.get('/v1/invocations?status=dead');
    return json.invocations.length === 2 || undefined;
  });
  const { context, page } = await openSignedIn(browser, tenant);
  let requests = 0;
  await page.route(/\/dead\/replay/, (route) => (++requests === 1 ? route.continue() : route.abort()));
  await turnTo(page, '/dead');
  await hasLoaded(page);
  for (const box of await page.locator('tbody input[type=checkbox]').all()) await box.check();
  await page.getByRole('button', { name: 'Replay 2 selected' }).click();
  await page.getByText('1 of 2 dead letters replayed, then: The engine cannot be reached.').waitFor();
  t.is(requests, 2);
  await context.close();
});
