import type { Page } from 'playwright-core';
import { acts, actsWasm } from '../helpers/acts.js';
import type { Api } from '../helpers/api.js';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { onApi, openSignedIn, pathOf } from './api-routes.js';
import { populate } from './scene.js';
import { bareViews, livedViews, type View } from './views.js';

/** What views of the console show while they load, when that fails, and when there is nothing. */
const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});
const browserSays = browserTest(lived);

function failureOf(page: Page, what: string) {
  return page.getByRole('alert').filter({ hasText: `Could not load ${what}` });
}

browserSays('every view says what it loads, and shows it when it has come', async (t, browser) => {
  const { api, scene } = await lived();
  const { context, page, troubles } = await openSignedIn(browser, api);
  let held: RegExp | null = null;
  const waiting: (() => void)[] = [];
  await onApi(page, async (route) => {
    if (held?.test(pathOf(route))) await new Promise<void>((resolve) => waiting.push(resolve));
    // The page may have navigated away meanwhile.
    await route.continue().catch(() => undefined);
  });
  for (const { name, path, shows } of livedViews(scene)) {
    for (const { what, from } of shows) {
      held = from;
      await turnTo(page, path);
      await page.getByLabel(`Loading ${what}`, { exact: true }).waitFor();
      held = null;
      for (const release of waiting.splice(0)) release();
      await hasLoaded(page);
      t.is(await page.getByRole('alert').count(), 0, `${name}: ${what}`);
    }
  }
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays(
  'every view says what it could not load and why, and loads it when asked again',
  async (t, browser) => {
    const { api, scene } = await lived();
    const { context, page, troubles } = await openSignedIn(browser, api);
    let broken: RegExp | null = null;
    const why = 'The store is away; try again.';
    await onApi(page, async (route) => {
      if (!broken?.test(pathOf(route))) return route.continue();
      await route.fulfill({ status: 503, json: { error: why, code: 'unavailable' } });
    });
    for (const { name, path, shows } of livedViews(scene)) {
      for (const { what, from } of shows) {
        broken = from;
        await turnTo(page, path);
        const failure = failureOf(page, what);
        await failure.waitFor();
        t.true((await failure.innerText()).includes(why), `${name}: ${what}`);
        broken = null;
        await failure.getByRole('button', { name: 'Try again' }).click();
        await failure.waitFor({ state: 'detached' });
      }
    }
    t.deepEqual(troubles, []);
    await context.close();
  },
);

browserSays('every view that a key may not see says so, and by which scope it would', async (t, browser) => {
  const { api, scene } = await lived();
  const views = livedViews(scene);
  for (const scope of ['read', 'deploy', 'secrets', 'data', 'keys']) {
    const { json } = await api.post('/v1/auth/keys', {
      name: `without ${scope}`,
      scopes: ['invoke', 'publish', 'read', 'deploy', 'secrets', 'data', 'keys'].filter(
        (each) => each !== scope,
      ),
    });
    const { context, page, troubles } = await openSignedIn(browser, api.as(json.api_key));
    for (const { name, path, shows } of views) {
      const refused = shows.filter((each) => each.scope === scope && !(scope === 'read' && each.isNested));
      if (refused.length === 0) continue;
      await turnTo(page, path);
      for (const { what } of refused) {
        const alert = page.getByRole('alert').filter({ hasText: `This credential may not see ${what}` });
        await alert.waitFor();
        t.regex(await alert.innerText(), new RegExp(`"${scope}"`), `${name}: ${what}`);
        // A retry would not help.
        t.is(await alert.getByRole('button').count(), 0);
      }
    }
    if (scope === 'read') {
      await turnTo(page, '/events?topic=orders:created');
      await page
        .getByRole('alert')
        .filter({ hasText: 'This credential may not see the messages of this topic' })
        .waitFor();
    }
    t.deepEqual(troubles, []);
    await context.close();
  }
});

browserSays('every view says what is not there, in a namespace that has nothing', async (t, browser) => {
  const engine = await lived();
  const [tenant, used] = [await aTenant(engine), await aTenant(engine)];
  const views = await bareViews(used);
  const visit = async (api: Api, wanted: (view: View) => boolean) => {
    const { context, page, troubles } = await openSignedIn(browser, api);
    // The browser's console would report each as an error, although nothing is wrong.
    page.on('response', (response) => {
      if (response.status() >= 400) troubles.push(`${response.status()} ${response.url()}`);
    });
    for (const { path, shows } of views.filter(wanted)) {
      await turnTo(page, path);
      await hasLoaded(page);
      for (const { empty } of shows) if (empty !== undefined) await page.getByText(empty).waitFor();
      t.is(await page.getByRole('alert').count(), 0, path);
    }
    t.deepEqual(troubles, []);
    await context.close();
  };
  const isOfSomething = ({ path }: View) => path.includes('/bare') || path.startsWith('/invocations/');
  await visit(tenant, (view) => !isOfSomething(view));
  await visit(used, isOfSomething);
  const { context, page } = await openSignedIn(browser, tenant);
  await turnTo(page, '');
  await page.getByText('This namespace has no functions yet.').waitFor();
  await turnTo(page, '/events?topic=quiet');
  await page.getByText('Nothing has been published since this page began to listen.').waitFor();
  await context.close();
});

browserSays(
  'a page that is hidden holds no stream, and one that is seen again catches up',
  async (t, browser) => {
    const tenant = await aTenant(await lived());
    await tenant.deploy('hidden', await actsWasm());
    const { context, page } = await openSignedIn(browser, tenant);
    const streams = async () => {
      const { json } = await tenant.get(`/v1/namespaces/${tenant.namespace}/usage`);
      return json.quotas.sockets.used as number;
    };
    const hide = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
       document.dispatchEvent(new Event('visibilitychange'))`,
      );
    const untilStreams = async (count: number) => {
      await until(`${count} open streams`, async () => (await streams()) === count);
    };
    for (const path of ['/invocations', '/functions/hidden/log', '/events?topic=hidden']) {
      // Wait until the stream of the previous page has ended, so that it is not counted for this
      // page.
      await turnTo(page, '/nowhere');
      await untilStreams(0);
      await turnTo(page, path);
      await untilStreams(1);
      await hide(true);
      await untilStreams(0);
      if (path.endsWith('/log')) await tenant.invoke('hidden', acts('log while it was hidden'));
      await hide(false);
      await untilStreams(1);
      if (path.endsWith('/log')) await page.getByText('while it was hidden').waitFor();
    }
    t.pass();
    await context.close();
  },
);

/**
 * Runs in the page before its scripts. Counts the listeners of each signal; `mostListeners` is the
 * largest number.
 */
const COUNT_LISTENERS = `(() => {
  const counts = new WeakMap();
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  const change = (signal, by) => {
    counts.set(signal, (counts.get(signal) ?? 0) + by);
    window.mostListeners = Math.max(window.mostListeners ?? 0, counts.get(signal));
  };
  AbortSignal.prototype.addEventListener = function (...given) {
    change(this, 1);
    return addEventListener.apply(this, given);
  };
  AbortSignal.prototype.removeEventListener = function (...given) {
    change(this, -1);
    return removeEventListener.apply(this, given);
  };
})()`;

browserSays(
  'a stream that reconnects again and again keeps no listeners on its signal',
  async (t, browser) => {
    const { api } = await lived();
    const { context, page } = await openSignedIn(browser, api);
    await page.addInitScript(COUNT_LISTENERS);
    // The pauses before reconnections pass at once.
    await page.clock.install();
    let streams = 0;
    await page.route(/follow=true/, async (route) => {
      streams++;
      await route.fulfill({ contentType: 'text/event-stream', body: ': connected\n\n' });
    });
    await page.goto(`${api.url}/console/invocations`);
    await until('the stream has reconnected ten times', async () => {
      await page.clock.runFor(1000);
      return streams > 10;
    });
    t.is(await page.evaluate('window.mostListeners'), 1);
    await context.close();
  },
);

browserSays('a topic page that reconnects keeps no listeners on its signal', async (t, browser) => {
  const { api } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  await page.addInitScript(COUNT_LISTENERS);
  await page.clock.install();
  let sockets = 0;
  await page.routeWebSocket('**/v1/pubsub/ws**', (socket) => {
    sockets++;
    void socket.close();
  });
  await page.goto(`${api.url}/console/events?topic=closed`);
  await until('the socket has reconnected ten times', async () => {
    await page.clock.runFor(1000);
    return sockets > 10;
  });
  t.is(await page.evaluate('window.mostListeners'), 1);
  await context.close();
});

browserSays(
  'a view that breaks says so with its error, and leaves the navigation and a way to load it again',
  async (t, browser) => {
    const { api } = await lived();
    const { context, page, troubles } = await openSignedIn(browser, api);
    await page.route('**/v1/functions/secrets', (route) => route.fulfill({ json: { count: 1 } }));
    await turnTo(page, '/secrets');
    const alert = page.getByRole('alert');
    await alert.getByText('The console cannot show this page').waitFor();
    t.regex(await alert.innerText(), /undefined/);
    t.true(troubles.length > 0);
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor();
    t.is(await alert.count(), 0);
    await page.getByRole('link', { name: 'Secrets', exact: true }).click();
    await alert.waitFor();
    await page.unroute('**/v1/functions/secrets');
    await page.getByRole('button', { name: 'Load the page again' }).click();
    await page.getByRole('cell', { name: 'STRIPE_KEY', exact: true }).waitFor();
    await context.close();
  },
);

browserSays('a page that breaks as a whole says so, and lets its user sign out', async (t, browser) => {
  const { api } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  // As an earlier version of the console might have stored it.
  await page.evaluate(`(() => {
    const { namespace, ...others } = JSON.parse(sessionStorage.getItem('orama.session'));
    sessionStorage.setItem('orama.session', JSON.stringify(others));
  })()`);
  await page.reload();
  await page.getByRole('alert').getByText('The console cannot show this page').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key', { exact: true }).waitFor();
  t.pass();
  await context.close();
});
