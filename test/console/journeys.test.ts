import { openPage, openWindow, signIn } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { populate } from './scene.js';

const browserSays = browserTest();

const lived = shared(async () => {
  const engine = await startEngine();
  const scene = await populate(engine.api);
  return Object.assign(engine, { scene });
});

browserSays(
  'somebody signs in with a key, finds nothing of it kept, and signs out for good',
  async (t, browser) => {
    const { api, adminKey, url } = await lived();
    const context = await openWindow(browser);
    const { page, troubles } = await openPage(context);
    await page.goto(`${url}/console`);
    await page.getByLabel('API key', { exact: true }).fill(adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
    );
    t.false(kept.includes(adminKey));
    t.deepEqual(await context.cookies(), []);
    const { accessToken } = JSON.parse(
      await page.evaluate<string>("sessionStorage.getItem('orama.session')"),
    ) as { accessToken: string };

    const ended = page.waitForResponse('**/v1/auth/logout');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key', { exact: true }).waitFor();
    await ended;
    t.is((await api.as().get('/v1/functions', { authorization: `Bearer ${accessToken}` })).status, 401);
    t.deepEqual(troubles, []);
    await context.close();
  },
);

browserSays('a link signs in once, and its token leaves the address', async (t, browser) => {
  const { api, url } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  const { json } = await api.post('/v1/auth/console-links', {});
  await page.goto(`${url}/console#token=${json.token}`);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  t.is(page.url(), `${url}/console`);
  // The session is this tab's: a reload keeps it, another tab has none.
  await page.reload();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const other = await context.newPage();
  await other.goto(`${url}/console#token=${json.token}`);
  await other.getByRole('alert').waitFor();
  t.regex(await other.getByRole('alert').innerText(), /has been used/);
  await context.close();
});

browserSays('a function is found, invoked, and its invocation opened and replayed', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await signIn(page, api, '/functions');
  await page.getByLabel('Filter by name').fill('ord');
  await page.getByRole('link', { name: 'orders', exact: true }).click();
  await page.getByText('90 % on 1, 10 % on 2').waitFor();
  await page.getByRole('link', { name: 'Invoke', exact: true }).click();
  await page.getByLabel('Input').fill('[{"op":"echo","a":"from the console"}]');
  await page.getByRole('button', { name: 'Invoke' }).click();
  await page.getByText('from the console', { exact: false }).last().waitFor();
  await page.getByRole('link', { name: 'show the invocation' }).click();
  await page.getByRole('heading', { name: 'Attempts' }).waitFor();
  t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /from the console/);
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('a dead letter is seen, and purged only after it was asked', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, '/dead');
  await page.getByLabel('Function').selectOption('charge-card');
  await page
    .getByRole('link', { name: /charge-card/ })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Purge all' }).click();
  const dialog = page.getByRole('dialog');
  t.regex(await dialog.innerText(), /charge-card.*cannot be undone/s);
  await page.keyboard.press('Escape');
  const dead = () => api.get('/v1/invocations?status=dead&function=charge-card');
  t.true((await dead()).json.count > 0);
  await page.getByRole('button', { name: 'Purge all' }).click();
  await dialog.getByRole('button', { name: 'Purge all' }).click();
  await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
  t.is((await dead()).json.count, 0);
  await context.close();
});

browserSays('a message published on the page arrives on it live, byte for byte', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await signIn(page, api, '/events?topic=news:today');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByLabel('Data').fill('{"b": 9007199254740993, "a": 2.50}');
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByRole('list', { name: 'Messages on news:today' }).waitFor();
  t.regex(
    await page.getByRole('list', { name: 'Messages on news:today' }).innerText(),
    /"b": 9007199254740993, "a": 2\.50/,
  );
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('a secret is set and deleted, and its value is nowhere in the page', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, '/secrets');
  await page.getByLabel('Name').fill('CONSOLE_SECRET');
  await page.getByLabel('Value').fill('canary-of-the-console');
  await page.getByRole('button', { name: 'Set the secret' }).click();
  await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor();
  t.false((await page.content()).includes('canary-of-the-console'));
  await page.getByRole('button', { name: 'Delete secret CONSOLE_SECRET' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the secret' }).click();
  await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor({ state: 'detached' });
  t.false(JSON.stringify((await api.get('/v1/functions/secrets')).json).includes('CONSOLE_SECRET'));
  await context.close();
});

browserSays('SQL reads with all digits, and writes only when it is let', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, '/data');
  await page.getByLabel('Statement').fill('select cents from orders where id = 3');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('cell', { name: '9007199254740993' }).waitFor();
  await page.getByLabel('Statement').fill('delete from orders where id = 1');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('alert').waitFor();
  t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 1);
  await page.getByLabel('Let it write').check();
  await page.getByRole('button', { name: 'Run and write' }).click();
  await page.getByText(/^1 row changed/).waitFor();
  t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 0);
  await context.close();
});

browserSays('a key without the right is told so, and by which scope it would be', async (t, browser) => {
  const { api } = await lived();
  const { json } = await api.post('/v1/auth/keys', { name: 'reader', scopes: ['read'] });
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api.as(json.api_key), '/secrets');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  t.regex(await alert.innerText(), /may not see the secrets[\s\S]*secrets/);
  await page.getByRole('link', { name: 'Functions', exact: true }).click();
  await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
  await context.close();
});

browserSays('an invocation shows up in the open list by itself', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, '/invocations?function=send-receipt');
  await page
    .locator('#content')
    .getByText(/No invocations|Nothing matches|State/)
    .first()
    .waitFor();
  const { headers } = await api.invoke('send-receipt', '[]');
  const id = String(headers.get('x-request-id'));
  await page.locator(`a[href$="/invocations/${id}"]`).waitFor();
  t.pass();
  await context.close();
});

browserSays('the page of an event shows every run that it caused, and leads to each', async (t, browser) => {
  const { api, scene } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await signIn(page, api, `/invocations/${scene.tree}`);
  const tree = page.locator('ol.tree');
  await tree.getByText('send-receipt').first().waitFor();
  const names = await tree.getByRole('link').allInnerTexts();
  t.deepEqual(names.map((name) => name.replace(/@\d+$/, '')).sort(), [
    'charge-card',
    'orders',
    'send-receipt',
    'send-receipt',
    'update-stock',
  ]);
  await tree
    .getByRole('link', { name: /send-receipt/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'send-receipt', level: 1 }).waitFor();
  // From the leaf the same tree is seen, from its root on.
  await tree.getByText('orders').waitFor();
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('what has ended is replayed with an edited input', async (t, browser) => {
  const { api } = await lived();
  const { headers } = await api.invoke('update-stock', '[]');
  const id = String(headers.get('x-request-id'));
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, `/invocations/${id}`);
  await page.getByRole('button', { name: 'Replay…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Input').fill('[{"op":"echo","a":"edited"}]');
  await dialog.getByRole('button', { name: 'Replay with this input' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith(id));
  await page.getByLabel('Output', { exact: true }).waitFor();
  t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /edited/);
  await context.close();
});

browserSays('the overview draws what the engine has counted', async (t, browser) => {
  const { api } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await signIn(page, api);
  await page.getByRole('img', { name: /^\d+ calls in \d+ minutes/ }).waitFor();
  await page.locator('.chart canvas').waitFor();
  t.deepEqual(troubles, []);
  await context.close();
});
