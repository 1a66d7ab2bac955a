import { acts, actsWasm } from '../helpers/acts.js';
import type { Api } from '../helpers/api.js';
import { fillCode, hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';
import { populate } from './scene.js';
import { livedViews } from './views.js';

/** Where things stand in the pages of the console, at several widths. */
const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});
const browserSays = browserTest(lived);

const PHONE = { width: 390, height: 844 };
const LONG = 'n'.repeat(64);

/** Runs in the page. Returns the labels of tables that are wider than their frames. */
const CUT_TABLES = `[...document.querySelectorAll('#content .table')]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map((table) => table.getAttribute('aria-label') + ' by ' + (table.scrollWidth - table.clientWidth))`;

/** Runs in the page. Returns the height of the tallest row, in pixels. */
const TALLEST_ROW = `Math.max(...[...document.querySelectorAll('#content tr')].map((row) => row.offsetHeight))`;

/** Runs in the page. Returns the labels of fields that take more than a line. */
const BROKEN_LABELS = `[...document.querySelectorAll('#content .choice label')]
  .filter((label) => label.getClientRects().length > 1 || label.getBoundingClientRect().height > 30)
  .map((label) => label.innerText)`;

/** Runs in the page. Returns the texts of the dialog that are cut off or in another size. */
const ODD_IN_DIALOG = `(() => {
  const dialog = document.querySelector('dialog');
  const size = getComputedStyle(document.body).fontSize;
  const isBeyond = ({ right }) => right > dialog.getBoundingClientRect().right - 20;
  const isCut = (each) => isBeyond(each.getBoundingClientRect()) || each.scrollWidth > each.clientWidth ||
    each.clientWidth > dialog.clientWidth;
  return [...dialog.querySelectorAll('h2, .table, p, button')]
    .filter((each) => isCut(each) || (each.matches('p, button') && getComputedStyle(each).fontSize !== size))
    .map((each) => each.innerText);
})()`;

/** Runs in the page. Returns how far the log is scrolled from its end. */
const FROM_END = `(() => {
  const log = document.querySelector('.log');
  return Math.round(log.scrollHeight - log.clientHeight - log.scrollTop);
})()`;

/** A function with long names wherever there are names. */
async function withLongNames(tenant: Api): Promise<void> {
  const wasm = await actsWasm();
  const message = 'Say what has changed, in as many words as it takes. '.repeat(3);
  const commit = '9d27b1e06ac4583f7e10d2b9964fc8a3350be71d-dirty';
  await tenant.deploy(LONG, wasm, { message, git_commit: commit });
  await tenant.deploy(LONG, wasm, { message, git_commit: commit, timeout_seconds: '20' });
  for (const alias of ['a', 'b', 'c']) {
    await tenant.put(`/v1/functions/${LONG}/aliases/${alias.repeat(64)}`, { version: 2, weights: { 1: 5 } });
  }
  await tenant.post('/v1/auth/keys', { name: 'k'.repeat(128), functions: [LONG, `${LONG.slice(1)}*`] });
}

browserSays('no table of a view is wider than its frame', async (t, browser) => {
  const { api, scene } = await lived();
  for (const width of [1000, 1151]) {
    const { context, page } = await openSignedIn(browser, api, { viewport: { width, height: 800 } });
    for (const { name, path } of livedViews(scene)) {
      await turnTo(page, path);
      await hasLoaded(page);
      t.deepEqual(await page.evaluate(CUT_TABLES), [], `${name} at ${width} pixels`);
    }
    await context.close();
  }
});

browserSays('long names of aliases and functions leave room for the other columns', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await withLongNames(tenant);
  const { context, page } = await openSignedIn(browser, tenant, { viewport: { width: 1280, height: 800 } });
  for (const path of [`/functions/${LONG}`, `/functions/${LONG}/versions`, '/keys']) {
    await turnTo(page, path);
    await hasLoaded(page);
    t.deepEqual(await page.evaluate(CUT_TABLES), [], path);
    const tallest = await page.evaluate<number>(TALLEST_ROW);
    t.true(tallest < 320, `${path} has a row of ${tallest} pixels`);
  }
  await context.close();
});

browserSays('a long text of a row of many columns is readable', async (t, browser) => {
  const tenant = await aTenant(await lived());
  const { context, page } = await openSignedIn(browser, tenant);
  await turnTo(page, '/data');
  const columns = Array.from({ length: 30 }, (_, at) => `${at} as column_number_${at}`);
  await fillCode(page, 'Statement', `select printf('%.*c', 2000, 'x') as t, ${columns.join(', ')}`);
  await page.getByRole('button', { name: 'Run' }).click();
  const cell = await page.getByRole('button', { name: /^xxx/ }).boundingBox();
  t.true(Number(cell?.height) < 260, `${cell?.height} pixels high`);
  await context.close();
});

browserSays('labels and the open tab stand whole on a phone', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await withLongNames(tenant);
  const { context, page } = await openSignedIn(browser, tenant, { viewport: PHONE });
  for (const path of ['', '/invocations', '/dead']) {
    await turnTo(page, path);
    await hasLoaded(page);
    t.deepEqual(await page.evaluate(BROKEN_LABELS), [], path);
  }
  await turnTo(page, `/functions/${LONG}/log`);
  await hasLoaded(page);
  const tab = await page.getByRole('link', { name: 'Log', exact: true }).boundingBox();
  t.true(Number(tab?.x) + Number(tab?.width) <= PHONE.width, JSON.stringify(tab));
  await context.close();
});

browserSays('a live log shows its newest line, unless it is scrolled back', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await tenant.deploy('talks', await actsWasm());
  const lines = (count: number) => acts(...Array.from({ length: count }, (_, at) => `log line ${at}`));
  await tenant.invoke('talks', lines(80));
  const { context, page } = await openSignedIn(browser, tenant, { viewport: PHONE });
  await turnTo(page, '/functions/talks/log');
  await page.getByText('line 79', { exact: true }).waitFor();
  t.is(await page.evaluate(FROM_END), 0);
  await tenant.invoke('talks', acts('log one more'));
  await page.getByText('one more', { exact: true }).waitFor();
  t.is(await page.evaluate(FROM_END), 0);

  await page.evaluate(`document.querySelector('.log').scrollTop = 0`);
  await page.waitForTimeout(100);
  await tenant.invoke('talks', acts('log the last'));
  await page.getByText('the last', { exact: true }).waitFor();
  // A page that scrolled would have done so within two frames.
  await page.evaluate('new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))');
  t.true(Number(await page.evaluate(FROM_END)) > 100);
  await context.close();
});

browserSays('a part of a function that there is not is no page', async (t, browser) => {
  const { api } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  await turnTo(page, '/functions/orders/nonsense');
  await page.getByText('There is nothing at this address.').waitFor();
  t.pass();
  await context.close();
});

browserSays('a dialog shows its texts whole, also over a table and with long names', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await withLongNames(tenant);
  await tenant.put('/v1/functions/secrets', { name: 'S'.repeat(64), value: 'x' });
  for (const width of [1280, PHONE.width]) {
    const { context, page } = await openSignedIn(browser, tenant, { viewport: { ...PHONE, width } });
    for (const [path, name] of [
      ['/secrets', /^Delete secret/],
      ['/keys', /^Revoke key kkk/],
      [`/functions/${LONG}`, /^Delete alias aaa/],
      [`/functions/${LONG}`, 'Delete the function'],
      [`/functions/${LONG}/versions`, 'Roll back to version 1'],
    ] as const) {
      await turnTo(page, path);
      await hasLoaded(page);
      await page.getByRole('button', { name }).click();
      await page.getByRole('dialog').waitFor();
      await hasLoaded(page);
      t.deepEqual(await page.evaluate(ODD_IN_DIALOG), [], `${name} at ${width} pixels`);
    }
    await context.close();
  }
});

browserSays('messages leave a narrow page in view, and all of them can be closed', async (t, browser) => {
  const tenant = await aTenant(await lived());
  for (const name of ['A', 'B', 'C']) await tenant.put('/v1/functions/secrets', { name, value: 'x' });
  const { context, page } = await openSignedIn(browser, tenant, { viewport: PHONE });
  const error = 'a long explanation '.repeat(40);
  await page.route('**/v1/functions/secrets/*', (route) => route.fulfill({ status: 503, json: { error } }));
  await turnTo(page, '/secrets');
  for (const [shown, name] of ['A', 'B', 'C'].entries()) {
    await page.getByRole('button', { name: `Delete secret ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the secret' }).click();
    await page.locator('.message').nth(shown).waitFor();
  }
  const height = async () => (await page.locator('.messages').boundingBox())?.height ?? 0;
  t.true((await height()) <= PHONE.height * 0.6, `${await height()} pixels`);
  for (let at = 0; at < 3; at++) await page.getByRole('button', { name: 'More' }).first().click();
  t.true((await height()) <= PHONE.height * 0.6, `${await height()} pixels`);
  await page.getByRole('button', { name: 'Close all' }).click();
  t.is(await page.locator('.message').count(), 0);
  await context.close();
});
