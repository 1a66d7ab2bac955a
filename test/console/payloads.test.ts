import { actsWasm } from '../helpers/acts.js';
import { fillCode, hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { onApi, openSignedIn } from './api-routes.js';

/** Texts of guests that are built to break the page that shows them. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

const DEEP = 60_000;
const PARTS = 80_000;

browserSays('JSON of any depth and of any number of parts leaves the page usable', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.post('/v1/rqlite/exec', { sql: 'create table texts (name text, v text)' });
  const texts = {
    deep: '['.repeat(DEEP) + ']'.repeat(DEEP),
    many: `[${Array(PARTS).fill('{}').join(',')}]`,
    small: '{"a":[],"b":{},"c":[{"d":[[1]]}]}'.padEnd(400),
  };
  for (const [name, value] of Object.entries(texts)) {
    await tenant.post('/v1/rqlite/exec', { sql: 'insert into texts values (?, ?)', args: [name, value] });
  }
  const { context, page, troubles } = await openSignedIn(browser, tenant);
  await turnTo(page, '/data');
  await hasLoaded(page);
  const shown = async (name: string) => {
    await fillCode(page, 'Statement', `select v from texts where name = '${name}'`);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText(/^1 row in/).waitFor();
    await page.getByRole('region', { name: 'Result' }).getByRole('button').click();
    const text = await page.getByLabel('Value', { exact: true }).innerText();
    await page.getByRole('button', { name: 'Close' }).click();
    return text;
  };
  t.true((await shown('deep')).startsWith('[[[['));
  t.true((await shown('many')).startsWith('[\n  {},\n  {},\n'));
  t.is(
    (await shown('small')).trim(),
    '{\n  "a": [],\n  "b": {},\n  "c": [\n    {\n      "d": [\n        [\n          1\n        ]\n      ]\n    }\n  ]\n}',
  );
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('no figure is rounded to a whole unit of the next size', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.deploy('timed', await actsWasm());
  const { headers } = await tenant.invoke('timed', '[]');
  const { context, page } = await openSignedIn(browser, tenant);
  await turnTo(page, '/data');
  await fillCode(page, 'Statement', 'select hex(zeroblob(524287)) as v');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('region', { name: 'Result' }).getByRole('button').click();
  t.is(await page.getByRole('dialog').locator('figcaption span').innerText(), '1.0 MB');

  let duration = 999.7;
  await onApi(page, async (route) => {
    if (!route.request().url().includes('follow=true')) return route.continue();
    const { json } = await tenant.get(`/v1/invocations/${headers.get('x-request-id')}`);
    json.attempts[0].duration_ms = duration;
    await route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify(json)}\n\n` });
  });
  for (const [ms, text] of [
    [999.7, '1 s'],
    [59_970, '1 min 0 s'],
    [9.999, '10 ms'],
  ] as const) {
    duration = ms;
    await turnTo(page, `/invocations/${headers.get('x-request-id')}`);
    t.regex(await page.locator('.facts').first().innerText(), new RegExp(`Ran\\s+${text}$`));
  }
  await context.close();
});
