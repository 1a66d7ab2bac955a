import { fillCode, hasLoaded, openPage, openWindow, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** How sessions of the console begin, go on and end. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

const STORED = 'sessionStorage.getItem("orama.session")';

browserSays(
  'a session whose access token is refused is renewed, and the request repeated',
  async (t, browser) => {
    const { api } = await engine();
    const { context, page } = await openSignedIn(browser, api);
    // As after a restart of an engine with another key for its tokens.
    await page.evaluate(`(() => {
      const session = JSON.parse(${STORED});
      sessionStorage.setItem('orama.session', JSON.stringify({ ...session, accessToken: 'forgotten' }));
    })()`);
    let renewals = 0;
    await page.route('**/v1/auth/refresh', async (route) => {
      renewals++;
      await route.continue();
    });
    await page.goto(`${api.url}/console/secrets`);
    await hasLoaded(page);
    t.is(await page.getByRole('alert').count(), 0);
    t.is(renewals, 1);
    t.not(await page.evaluate(`JSON.parse(${STORED}).accessToken`), 'forgotten');
    await context.close();
  },
);

browserSays('a stored session that is no JSON leaves the page for signing in', async (t, browser) => {
  const { api, url } = await engine();
  const { context, page, troubles } = await openSignedIn(browser, api);
  await page.evaluate('sessionStorage.setItem("orama.session", "{")');
  await page.goto(`${url}/console/secrets`);
  await page.getByLabel('API key', { exact: true }).waitFor();
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('messages end with their session, and the focus goes to the next page', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.put('/v1/functions/secrets', { name: 'LAST', value: 'secret' });
  const { context, page } = await openSignedIn(browser, tenant);
  await page.route('**/v1/functions/secrets/LAST', (route) =>
    route.fulfill({ status: 503, json: { error: `${tenant.namespace} is away.` } }),
  );
  await turnTo(page, '/secrets');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Delete/ })
    .click();
  await page.locator('.message').getByText('is away.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key', { exact: true }).waitFor();
  t.is(await page.locator('.message').count(), 0);
  t.is(await page.evaluate('document.activeElement.className'), 'sign-in');
  await context.close();
});

browserSays('a link that fails leaves the page that is open, with its draft', async (t, browser) => {
  const { api, url } = await engine();
  const { context, page } = await openSignedIn(browser, api);
  await turnTo(page, '/data');
  await hasLoaded(page);
  await fillCode(page, 'Statement', 'select 42 as draft');
  await page.goto(`${url}/console/data#token=used`);
  await page.locator('.message.error').waitFor();
  t.is(await page.locator('.cm-content').innerText(), 'select 42 as draft');
  t.is(page.url(), `${url}/console/data`);
  t.not(await page.evaluate(STORED), null);
  await context.close();
});

browserSays('a link that has failed is not the reason for the end of a later session', async (t, browser) => {
  const { api, url } = await engine();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await page.goto(`${url}/console#token=used`);
  await page.getByRole('alert').waitFor();
  await page.getByLabel('API key', { exact: true }).fill(String(api.key));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key', { exact: true }).waitFor();
  t.is(await page.getByRole('alert').count(), 0);
  await context.close();
});

browserSays(
  'a request that waits for a session is not sent with that of somebody else',
  async (t, browser) => {
    const one = await aTenant(await engine());
    const other = await aTenant(await engine());
    for (const tenant of [one, other]) {
      await tenant.put('/v1/functions/secrets', { name: 'SHARED', value: 'secret' });
    }
    const { context, page } = await openSignedIn(browser, one);
    await turnTo(page, '/secrets');
    await page.getByRole('cell', { name: 'SHARED', exact: true }).waitFor();
    let release = () => {};
    await page.route('**/v1/auth/refresh', async (route) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await route.continue();
    });
    const renewal = page.waitForRequest('**/v1/auth/refresh');
    await page.evaluate('(() => { const now = Date.now; Date.now = () => now() + 3600_000; })()');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete/ })
      .click();
    await renewal;
    const { json } = await other.post('/v1/auth/console-links', {});
    await page.goto(`${one.url}/console/secrets#token=${json.token}`);
    await page.locator('.who').getByText(other.namespace, { exact: true }).waitFor();
    release();
    await page.locator('.message.error').getByText('somebody else has signed in').waitFor();
    t.is((await other.get('/v1/functions/secrets')).json.count, 1);
    await context.close();
  },
);

browserSays('a key that a header cannot hold is refused at its field', async (t, browser) => {
  const { url } = await engine();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await page.goto(`${url}/console`);
  await page.getByLabel('API key', { exact: true }).fill('ключ');
  t.regex(await page.getByRole('alert').innerText(), /^A key consists of ASCII letters/);
  t.is(
    await page
      .getByRole('button', { name: 'Sign in', exact: true })
      .and(page.locator('[aria-disabled=true]'))
      .count(),
    1,
  );
  await context.close();
});
