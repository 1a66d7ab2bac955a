import { acts, actsWasm } from '../helpers/acts.js';
import { Api } from '../helpers/api.js';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { onApi, openSignedIn, pathOf } from './api-routes.js';
import { populate } from './scene.js';

/** What pages show that stay open while things change, and while the engine is away. */
const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});
const browserSays = browserTest(lived);

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

browserSays(
  'a session whose key is revoked ends with the reason, one that is signed out without',
  async (t, browser) => {
    const { api } = await lived();
    const { json } = await api.post('/v1/auth/keys', { name: 'for a while' });
    const { context, page } = await openSignedIn(browser, api.as(json.api_key));
    await api.delete(`/v1/auth/keys/${json.id}`);
    await turnTo(page, '/usage');
    await page.getByRole('alert').getByText('has expired or has been revoked').waitFor();
    await page.getByLabel('API key', { exact: true }).fill(api.key ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key', { exact: true }).waitFor();
    t.is(await page.getByRole('alert').count(), 0);
    await context.close();
  },
);

browserSays('the next run of a schedule is never one that has passed', async (t, browser) => {
  const { api } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  let asked = 0;
  await onApi(page, async (route) => {
    if (!pathOf(route).endsWith('/triggers')) return route.continue();
    const reply = (await (await route.fetch()).json()) as { triggers: { next_run_at: string }[] };
    for (const each of reply.triggers) each.next_run_at = inMs(asked === 0 ? -60_000 : 7_200_000);
    asked++;
    await route.fulfill({ json: reply });
  });
  await turnTo(page, '/functions/nightly-report/triggers');
  await page.getByText('1 min ago').waitFor();
  await page.getByText('in 1 h').waitFor();
  t.true(asked > 1);
  await context.close();
});

browserSays('a rollout that there has not been is asked for once, until there is one', async (t, browser) => {
  const tenant = await aTenant(await lived());
  for (let version = 0; version < 2; version++) await tenant.deploy('still', await actsWasm());
  await tenant.put('/v1/functions/still/aliases/live', { version: 1 });
  const { context, page } = await openSignedIn(browser, tenant);
  const missing: string[] = [];
  page.on('response', (response) => {
    if (response.status() >= 400) missing.push(`${response.status()} ${response.url()}`);
  });
  await turnTo(page, '/functions/still');
  await page.getByText('There has been none.').waitFor();
  // The aliases are asked for by two parts of the page, and the rollout after them.
  for (let poll = 0; poll < 5; poll++) {
    await page.waitForResponse((response) => response.url().endsWith('/aliases'));
  }
  t.is(missing.length, 1, missing.join('\n'));
  await tenant.post('/v1/functions/still/rollout', { to: 2, steps: [25], every_seconds: 3600 });
  await page.getByRole('button', { name: 'Abort the rollout' }).waitFor();
  await context.close();
});

browserSays(
  'the page of a function follows deploys and rollouts, and the audit log the keys that are made',
  async (t, browser) => {
    const tenant = await aTenant(await lived());
    for (let version = 0; version < 2; version++) await tenant.deploy('moved', await actsWasm());
    await tenant.put('/v1/functions/moved/aliases/live', { version: 1 });
    const { context, page } = await openSignedIn(browser, tenant);
    await turnTo(page, '/functions/moved');
    const aliases = page.getByRole('region', { name: 'Aliases' });
    await aliases.getByRole('row', { name: /^live 1 / }).waitFor();
    await tenant.post('/v1/functions/moved/rollout', { to: 2, steps: [25], every_seconds: 3600 });
    await aliases.getByText('75 % on 1, 25 % on 2').waitFor();
    await tenant.deploy('moved', await actsWasm());
    await page.getByRole('heading', { name: 'Settings of version 3' }).waitFor();
    await turnTo(page, '/functions/moved/versions');
    await page.getByRole('row', { name: /^3 / }).waitFor();
    await tenant.deploy('moved', await actsWasm());
    await page.getByRole('row', { name: /^4 / }).waitFor();

    await turnTo(page, '/keys');
    await page.getByLabel('Name').fill('audited');
    await page.getByRole('button', { name: 'Create the key' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page
      .getByRole('region', { name: 'Audit log' })
      .getByRole('row', { name: /key.create/ })
      .waitFor();
    t.pass();
    await context.close();
  },
);

browserSays('the lists of secrets, keys and tables follow what is made elsewhere', async (t, browser) => {
  const tenant = await aTenant(await lived());
  const { context, page } = await openSignedIn(browser, tenant);
  await page.clock.install();
  const elsewhere = [
    { path: '/secrets', make: () => tenant.put('/v1/functions/secrets', { name: 'later', value: 'x' }) },
    { path: '/keys', make: () => tenant.post('/v1/auth/keys', { name: 'later' }) },
    { path: '/data', make: () => tenant.post('/v1/rqlite/exec', { sql: 'create table later (id)' }) },
  ];
  for (const { path, make } of elsewhere) {
    await turnTo(page, path);
    await hasLoaded(page);
    await make();
    await page.clock.fastForward('00:10');
    // The audit log of the keys page shows the name, too.
    const list = path === '/keys' ? page.getByRole('region', { name: 'API keys' }) : page;
    await list.getByRole('cell', { name: 'later', exact: true }).waitFor();
  }
  t.pass();
  await context.close();
});

browserSays(
  'a callback that is delivered after the end of its invocation is shown as such',
  async (t, browser) => {
    const { api, scene } = await lived();
    const { context, page } = await openSignedIn(browser, api);
    const at = inMs(0);
    const callback = { url: 'https://example.com/', attempts: 0, delivered_at: null, last_error: null };
    await onApi(page, async (route) => {
      if (pathOf(route) !== `/v1/invocations/${scene.failed}`) return route.continue();
      const { json } = await api.get(`/v1/invocations/${scene.failed}`);
      if (!route.request().url().includes('follow=true')) {
        return route.fulfill({ json: { ...json, callback: { ...callback, attempts: 1, delivered_at: at } } });
      }
      await route.fulfill({
        contentType: 'text/event-stream',
        body: `data: ${JSON.stringify({ ...json, callback })}\n\n`,
      });
    });
    await turnTo(page, `/invocations/${scene.failed}`);
    await page.locator(`time[datetime="${at}"]`).waitFor();
    t.pass();
    await context.close();
  },
);

browserSays('a dead letter that is replayed elsewhere is no longer shown as dead', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await tenant.deploy('mortal', await actsWasm());
  const reply = await tenant.invoke('mortal', acts('exit 1'), { Prefer: 'respond-async' });
  const path = `/invocations/${reply.json.request_id}`;
  await until('it is dead', async () => (await tenant.get(`/v1${path}`)).json.state === 'dead');
  const { context, page } = await openSignedIn(browser, tenant);
  await page.clock.install();
  await turnTo(page, path);
  await page.locator('.facts .state').getByText('dead').waitFor();
  t.is((await tenant.post(`/v1${path}/replay`, {})).status, 202);
  await page.clock.fastForward('00:11');
  await page.locator('.facts .state').getByText('error').waitFor();
  t.pass();
  await context.close();
});

browserSays('a tree whose root could not be read is not shown as one without a cause', async (t, browser) => {
  const { api, scene } = await lived();
  const { json } = await api.get(`/v1/invocations?parent_id=${scene.tree}`);
  const child = String(json.invocations[0].request_id);
  const { context, page } = await openSignedIn(browser, api);
  await onApi(page, async (route) => {
    if (pathOf(route) !== `/v1/invocations/${scene.tree}`) return route.continue();
    await route.fulfill({ status: 503, json: { error: 'The store is away.', code: 'unavailable' } });
  });
  await turnTo(page, `/invocations/${child}`);
  await page
    .getByRole('alert')
    .filter({ hasText: 'Could not load the tree' })
    .getByText('The store is away.')
    .waitFor();
  t.pass();
  await context.close();
});

browserSays('a session that cannot be renewed now says why, and is kept', async (t, browser) => {
  const { api, url } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  await page.evaluate(`(() => {
    const session = JSON.parse(sessionStorage.getItem('orama.session'));
    sessionStorage.setItem('orama.session', JSON.stringify({ ...session, expiresAt: 0 }));
  })()`);
  let isAway = true;
  await page.route('**/v1/auth/refresh', (route) =>
    isAway
      ? route.abort()
      : route.fulfill({ status: 503, json: { error: 'The store is away.', code: 'unavailable' } }),
  );
  await page.goto(`${url}/console/secrets`);
  const failure = page.getByRole('alert');
  await failure.getByText('The engine cannot be reached.').waitFor();
  isAway = false;
  await failure.getByRole('button', { name: 'Try again' }).click();
  await failure.getByText('The store is away.').waitFor();
  await page.unroute('**/v1/auth/refresh');
  await failure.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('cell', { name: 'STRIPE_KEY', exact: true }).waitFor();
  t.pass();
  await context.close();
});

browserSays('a chart whose script is gone since an update leaves the page as it is', async (t, browser) => {
  const { api, url } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  await page.route('**/assets/calls-chart*', (route) =>
    route.fulfill({ status: 404, json: { error: 'gone' } }),
  );
  await page.goto(`${url}/console`);
  await page.getByText('The chart could not be loaded; load the page again.').waitFor();
  await page.getByRole('link', { name: 'Secrets', exact: true }).click();
  await page.getByRole('cell', { name: 'STRIPE_KEY', exact: true }).waitFor();
  t.pass();
  await context.close();
});

browserSays('a link signs in a page that is signed in as somebody else', async (t, browser) => {
  const engine = await lived();
  const tenant = await aTenant(engine);
  const { context, page } = await openSignedIn(browser, engine.api);
  const { json } = await tenant.post('/v1/auth/console-links', {});
  await page.goto(`${engine.url}/console/nowhere#token=${json.token}`);
  await page.locator('.who').getByText(tenant.namespace, { exact: true }).waitFor();
  t.is(page.url(), `${engine.url}/console/nowhere`);
  await context.close();
});

browserSays(
  'a stream whose engine vanishes without closing it is no longer shown as live, and reconnects',
  async (t, browser) => {
    const { api } = await lived();
    const proxy = await tcpProxy(Number(new URL(api.url).port));
    t.teardown(proxy.close);
    const through = new Api(`http://127.0.0.1:${proxy.port}`, api.key);
    const { context, page } = await openSignedIn(browser, through);
    await page.clock.install();
    for (const path of ['', '/invocations', '/functions/orders/log', '/events?topic=orders:created']) {
      await turnTo(page, path);
      // The list of all invocations has a button that pauses it.
      const mark = page.locator('[role=status], button').filter({ hasText: /^\s*(Live|Connecting)/ });
      await mark.getByText('Live').waitFor();
      proxy.silence();
      await page.clock.fastForward('01:00');
      await mark.getByText('Connecting…').waitFor();
      // The browser may try first on another connection that it had open.
      await until('the stream is live again', async () => {
        await page.clock.fastForward('00:30');
        const live = mark.getByText('Live').waitFor({ timeout: 1000 });
        return live.then(
          () => true,
          () => false,
        );
      });
    }
    t.pass();
    await context.close();
  },
);
