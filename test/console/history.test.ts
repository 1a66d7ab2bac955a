import { actsWasm } from '../helpers/acts.js';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** What the history of the browser holds. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

browserSays('every part of a function has a title of its own', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('titled', await actsWasm());
  const { context, page } = await openSignedIn(browser, tenant);
  for (const [part, title] of [
    ['', 'titled · Orama console'],
    ['/log', 'Log · titled · Orama console'],
    ['/request', 'HTTP request · titled · Orama console'],
  ] as const) {
    await turnTo(page, `/functions/titled${part}`);
    await until(title, async () => (await page.title()) === title);
  }
  t.pass();
  await context.close();
});

browserSays('Back undoes the choice of a filter', async (t, browser) => {
  const { context, page } = await openSignedIn(browser, await aTenant(await engine()));
  await turnTo(page, '/invocations');
  await hasLoaded(page);
  const state = page.getByLabel('State');
  await state.selectOption('dead');
  await state.selectOption('error');
  await page.goBack();
  await until('the first choice', async () => (await state.inputValue()) === 'dead');
  await page.goBack();
  await until('no choice', async () => (await state.inputValue()) === '');
  t.pass();
  await context.close();
});

browserSays('Back returns to where a page was left', async (t, browser) => {
  const tenant = await aTenant(await engine());
  for (let made = 0; made < 60; made++) {
    await tenant.put('/v1/functions/secrets', { name: `SECRET_${made}`, value: 'x' });
  }
  const { context, page } = await openSignedIn(browser, tenant);
  await turnTo(page, '/secrets');
  await page.getByRole('cell', { name: 'SECRET_59', exact: true }).waitFor();
  await page.evaluate('scrollTo(0, 700)');
  // Playwright would scroll the link into view.
  await page.evaluate('document.querySelector("#navigation a[href$=usage]").click()');
  await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
  t.is(await page.evaluate('scrollY'), 0);
  await page.goBack();
  await until('the position', async () => (await page.evaluate('scrollY')) === 700);
  await context.close();
});
