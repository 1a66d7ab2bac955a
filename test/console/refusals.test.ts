import { actsWasm } from '../helpers/acts.js';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** What the console does with replies that refuse it, or are not of the engine. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

browserSays('a page of a proxy is not shown as the error of the engine', async (t, browser) => {
  const { api } = await engine();
  const { context, page } = await openSignedIn(browser, api);
  for (const status of [200, 502]) {
    await page.route('**/v1/functions/secrets', (route) =>
      route.fulfill({ status, contentType: 'text/html', body: '<html><h1>Bad gateway</h1></html>' }),
    );
    await turnTo(page, '/secrets');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    t.regex(await alert.innerText(), new RegExp(`HTTP ${status}\\. The reply is not from the engine`));
    t.notRegex(await alert.innerText(), /</);
    await page.unroute('**/v1/functions/secrets');
  }
  await context.close();
});

browserSays(
  'a stream that is refused for good is asked for once, and one that must wait waits',
  async (t, browser) => {
    const tenant = await aTenant(await engine());
    await tenant.deploy('streamed', await actsWasm());
    const { context, page } = await openSignedIn(browser, tenant);
    await page.clock.install();
    let asked = 0;
    let status = 404;
    await page.route(/\/logs\?follow=true/, async (route) => {
      asked++;
      const headers: Record<string, string> = status === 429 ? { 'Retry-After': '60' } : {};
      await route.fulfill({ status, headers, json: { error: `Refused with ${status}.`, code: 'refused' } });
    });
    const askedWithin = async (time: string) => {
      await page.clock.runFor(time);
      return asked;
    };
    for (status of [400, 403, 404]) {
      asked = 0;
      await turnTo(page, '/functions/streamed/log');
      await page.getByText(`Refused with ${status}.`).waitFor();
      t.is(await askedWithin('01:00'), 1, String(status));
      t.is(await page.getByText('Connecting…').count(), 0);
    }
    [status, asked] = [429, 0];
    await turnTo(page, '/functions/streamed/log');
    await page.getByText('Refused with 429.').waitFor();
    t.is(await askedWithin('00:50'), 1);
    await until('it is asked for again', async () => (await askedWithin('00:05')) > 1);
    await context.close();
  },
);

browserSays('a stream is asked for again while a proxy refuses it', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('proxied', await actsWasm());
  const { context, page } = await openSignedIn(browser, tenant);
  await page.clock.install();
  let isAway = true;
  await page.route(/\/logs\?follow=true/, async (route) => {
    if (!isAway) return route.continue();
    await route.fulfill({ status: 404, contentType: 'text/plain', body: '404 page not found' });
  });
  await turnTo(page, '/functions/proxied/log');
  await page.getByText('404 page not found').waitFor();
  t.is(await page.getByText('Refused', { exact: true }).count(), 0);
  isAway = false;
  await until('the stream is connected', async () => {
    await page.clock.runFor('00:05');
    return (await page.getByText('Live', { exact: true }).count()) === 1;
  });
  await context.close();
});

browserSays('a key that may only invoke has the forms that invoke', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('only', await actsWasm());
  const { json } = await tenant.post('/v1/auth/keys', { name: 'only', scopes: ['invoke'] });
  const { context, page } = await openSignedIn(browser, tenant.as(json.api_key));
  await turnTo(page, '/functions/only/request');
  await page.getByRole('form', { name: 'HTTP request' }).waitFor();
  await turnTo(page, '/functions/only/invoke');
  await page.getByRole('button', { name: 'Invoke', exact: true }).click();
  await page.getByText('show the invocation').waitFor();
  await turnTo(page, '/functions/only');
  await page.getByText('This credential may not see this function').waitFor();
  await hasLoaded(page);
  t.pass();
  await context.close();
});

browserSays('a form for a key that may only invoke stays while the engine is away', async (t, browser) => {
  const tenant = await aTenant(await engine());
  const { json } = await tenant.post('/v1/auth/keys', { name: 'drafts', scopes: ['invoke'] });
  const { context, page } = await openSignedIn(browser, tenant.as(json.api_key));
  await page.clock.install();
  let asked = 0;
  await page.route(/\/v1\/functions\/[^/]+$/, (route) => (asked++ === 0 ? route.continue() : route.abort()));
  // The name is of no function, but of another path, and of a command for a shell.
  await turnTo(page, `/functions/${encodeURIComponent("../o'k;id")}/invoke`);
  await page.getByLabel('Version or alias').fill('draft');
  await page.clock.runFor('00:30');
  t.is(await page.getByLabel('Version or alias').inputValue(), 'draft');
  t.is(asked, 1);
  await page.evaluate('navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }');
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  const curl = String(await page.evaluate('copied'));
  t.true(curl.startsWith(`curl -X POST '${tenant.url}/v1/functions/..%2Fo'\\''k%3Bid@draft/invoke' `), curl);
  await context.close();
});
