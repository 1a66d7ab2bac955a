import { actsWasm } from '../helpers/acts.js';
import { fillCode, hasLoaded, openPage, openWindow, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { httpGuest } from '../helpers/http-guest.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** What forms send, how often, and what they say when it fails. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

browserSays(
  'a form is sent once, however often its shortcut is pressed, and never while it is incomplete',
  async (t, browser) => {
    const tenant = await aTenant(await engine());
    await tenant.post('/v1/rqlite/exec', { sql: 'create table taps (id integer primary key)' });
    const { context, page, troubles } = await openSignedIn(browser, tenant);
    await turnTo(page, '/data');
    await hasLoaded(page);
    let sent = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/v1/rqlite/exec', async (route) => {
      sent++;
      await held;
      await route.continue();
    });
    await page.getByLabel('Let it write').check();
    await fillCode(page, 'Statement', '   ');
    await page.keyboard.press('Control+Enter');
    await fillCode(page, 'Statement', 'insert into taps default values');
    for (let press = 0; press < 3; press++) await page.keyboard.press('Control+Enter');
    release();
    await page.getByText(/^1 row changed/).waitFor();
    t.is(sent, 1);
    const { json } = await tenant.post('/v1/rqlite/query', { sql: 'select count(*) as rows from taps' });
    t.is(json.items[0].rows, 1);
    t.deepEqual(troubles, []);
    await context.close();
  },
);

browserSays(
  'what the engine would refuse for its size or its missing version is said before it is sent',
  async (t, browser) => {
    const tenant = await aTenant(await engine());
    for (let version = 0; version < 2; version++) await tenant.deploy('known', await actsWasm());
    const { context, page } = await openSignedIn(browser, tenant);
    const isOff = (name: string) =>
      page.getByRole('button', { name, exact: true }).and(page.locator('[aria-disabled=true]')).count();

    await turnTo(page, '/secrets');
    const value = page.getByLabel('Value');
    await page.getByLabel('Name').fill('LARGE');
    await value.fill('ä'.repeat(32_769));
    await page.getByText('Too long: 65,538 of at most 65,536 bytes.').waitFor();
    t.is(await isOff('Set the secret'), 1);
    await value.fill('ä'.repeat(32_768));
    t.is(await isOff('Set the secret'), 0);
    await page.getByRole('button', { name: 'Set the secret' }).click();
    await page.getByRole('cell', { name: 'LARGE', exact: true }).waitFor();

    await turnTo(page, '/functions/known/invoke');
    await fillCode(page, 'Input', 'x'.repeat((1 << 20) + 1));
    await page.getByText('Too long: 1,048,577 of at most 1,048,576 bytes.').waitFor();
    t.is(await isOff('Invoke'), 1);

    await turnTo(page, '/functions/known');
    await page.getByLabel('Alias', { exact: true }).fill('live');
    await page.getByLabel('Version', { exact: true }).fill('3');
    await page.getByText('There is no version 3; the newest is 2.').waitFor();
    t.is(await isOff('Set the alias'), 1);
    await page.getByLabel('Version', { exact: true }).fill('1');
    t.is(await isOff('Set the alias'), 0);
    await page.getByText('Start a rollout').click();
    await page.getByLabel('To version').fill('');
    t.is(await isOff('Start'), 1);
    await page.getByLabel('To version').fill('4');
    await page.getByText('There is no version 4; the newest is 2.').waitFor();
    t.is(await isOff('Start'), 1);
    await page.getByLabel('To version').fill('2');
    await page.getByLabel('Steps in percent').fill('5 25 abc');
    await page.getByText('“abc” is not a number.').waitFor();
    t.is(await isOff('Start'), 1);
    await context.close();
  },
);

browserSays('a header may have the name of a property of every object', async (t, browser) => {
  const { api } = await engine();
  await api.deploy('headers', await httpGuest(), { metadata: '{"http":{}}' });
  const { context, page, troubles } = await openSignedIn(browser, api);
  await turnTo(page, '/functions/headers/request');
  await page.getByLabel('Headers', { exact: true }).fill('constructor: a\n__proto__: b');
  const sent = page.waitForRequest('**/v1/http-requests');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  t.regex((await sent).postData() ?? '', /"constructor":\["a"\],"__proto__":\["b"\]/);
  await page.getByText('show the invocation').waitFor();
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('a statement that only reads shows its rows, also where it may write', async (t, browser) => {
  const tenant = await aTenant(await engine());
  await tenant.post('/v1/rqlite/exec', { sql: 'create table numbers (id integer primary key)' });
  const { context, page } = await openSignedIn(browser, tenant);
  await turnTo(page, '/data');
  await hasLoaded(page);
  await page.getByLabel('Let it write').check();
  const run = async (sql: string, says: string | RegExp) => {
    await fillCode(page, 'Statement', sql);
    await page.keyboard.press('Control+Enter');
    await page.getByText(says).waitFor();
  };
  await run('insert into numbers default values returning id', 'does not return the rows of RETURNING');
  await run('/* all */ -- of them\nselect count(*) as inserted from numbers', /^1 row in/);
  await run('with n as (select 7) select * from n', /^1 row in/);
  await run(
    "with n as (select 7) insert into numbers select 'delete from' from n where 0",
    /^0 rows changed/,
  );
  await run('select 1 as ""', /^1 row in/);
  await page.getByRole('columnheader', { name: '(no name)' }).waitFor();
  await run("select char(0) || 'n:1234567890123456' as text, 9007199254740993 as number", /^1 row in/);
  t.deepEqual(await page.getByRole('region', { name: 'Result' }).getByRole('cell').allInnerTexts(), [
    '\\u{0}n:1234567890123456',
    '9007199254740993',
  ]);
  await context.close();
});

browserSays('what was published is not said beside the error of the next attempt', async (t, browser) => {
  const { context, page } = await openSignedIn(browser, await aTenant(await engine()));
  await turnTo(page, '/events');
  await page.getByRole('form', { name: 'Publish a message' }).getByLabel('Topic').fill('published');
  const publish = page.getByRole('button', { name: 'Publish', exact: true });
  await publish.click();
  await page.getByText('Published; it has triggered').waitFor();
  await page.route('**/v1/pubsub/publish', (route) =>
    route.fulfill({ status: 503, json: { error: 'The queue is away.' } }),
  );
  // A second click within the time of a double click is ignored.
  await page.waitForTimeout(1000);
  await publish.click();
  await page.getByText('The queue is away.').waitFor();
  t.is(await page.getByText('Published; it has triggered').count(), 0);
  await context.close();
});

browserSays('why a wallet did not sign is said, whatever kind of error it gives', async (t, browser) => {
  const { url } = await engine();
  const context = await openWindow(browser);
  // EIP-1193 asks for an object with code and message, and not for an Error.
  await context.addInitScript(
    "window.ethereum = { request: () => Promise.reject({ code: 4001, message: 'Refused by its owner.' }) };",
  );
  const { page } = await openPage(context);
  await page.goto(`${url}/console`);
  await page.getByLabel('Namespace').fill('nobody');
  await page.getByRole('button', { name: 'Sign in with the wallet' }).click();
  t.is(await page.getByRole('alert').innerText(), 'Refused by its owner.');
  await context.close();
});

browserSays(
  'a deletion of /docs that could not be sent says so where it was confirmed',
  async (t, browser) => {
    const { api, url } = await engine();
    const { context, page } = await openSignedIn(browser, api);
    await page.goto(`${url}/docs#deleteSecret`);
    const operation = page.locator('#deleteSecret');
    await operation.getByLabel('name (required)').fill('ANY');
    await page.route('**/v1/functions/secrets/ANY', (route) => route.abort());
    await operation.getByRole('button', { name: 'Send…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click();
    t.regex(await page.getByRole('alert').innerText(), /cannot be reached/);
    await page.unroute('**/v1/functions/secrets/ANY');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click();
    await operation.getByLabel('Reply to deleteSecret', { exact: true }).waitFor();
    t.is(await page.getByRole('dialog').count(), 0);
    await context.close();
  },
);

browserSays(
  'an operation of /docs that was opened while the engine was away can be opened again',
  async (t, browser) => {
    const { api, url } = await engine();
    const { context, page } = await openSignedIn(browser, api);
    let asked = 0;
    await page.route('**/openapi.json', async (route) => {
      asked++;
      await (asked === 1
        ? route.abort()
        : route.fulfill({ status: 503, json: { error: 'The store is away.' } }));
    });
    await page.goto(`${url}/docs`);
    const operation = page.locator('#deleteSecret');
    const summary = operation.locator('summary').first();
    await summary.click();
    await operation.getByText('cannot be reached').waitFor();
    await summary.click();
    await summary.click();
    await operation.getByText('The store is away.').waitFor();
    await page.unroute('**/openapi.json');
    await summary.click();
    await summary.click();
    await operation.getByRole('button', { name: 'Send…' }).waitFor();
    t.is(await operation.getByText('The store is away.').count(), 0);
    await context.close();
  },
);

browserSays('a field of /docs that holds JSON is sent as JSON', async (t, browser) => {
  const { api, url } = await engine();
  const { context, page } = await openSignedIn(browser, api);
  await page.goto(`${url}/docs#deployFunction`);
  const operation = page.locator('#deployFunction');
  await operation
    .locator('input[type=file]')
    .setInputFiles({ name: 'f.wasm', mimeType: 'application/wasm', buffer: Buffer.from(await actsWasm()) });
  await operation.locator('.cm-content').waitFor();
  await fillCode(page, 'Fields', '{"name": "of-the-docs", "metadata": {"env": {"LEVEL": "7"}}}');
  await operation.getByRole('button', { name: 'Send' }).click();
  await operation.getByLabel('Reply to deployFunction', { exact: true }).waitFor();
  const { json } = await api.get('/v1/functions/of-the-docs/settings');
  t.like(json.settings.metadata, { env: { LEVEL: '7' } });
  await context.close();
});

browserSays('the curl command of a HEAD request does not wait for a body', async (t, browser) => {
  const { api } = await engine();
  await api.deploy('headed', await httpGuest(), { metadata: '{"http":{}}' });
  const { context, page } = await openSignedIn(browser, api);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await turnTo(page, '/functions/headed/request');
  await page.getByLabel('Method').selectOption('HEAD');
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByText('Copied').waitFor();
  t.regex(await page.evaluate<string>('navigator.clipboard.readText()'), /^curl -I http/);
  await context.close();
});

browserSays('the buttons of a dialog stand beside each other', async (t, browser) => {
  const tenant = await aTenant(await engine());
  for (let version = 0; version < 2; version++) await tenant.deploy('twice', await actsWasm());
  const { headers } = await tenant.invoke('twice', '');
  const { context, page } = await openSignedIn(browser, tenant);
  const inARow = async (...names: string[]) => {
    for (const name of names) await page.getByRole('dialog').getByRole('button', { name }).waitFor();
    // At the same time, as the dialog still moves when its editor is loaded.
    const [first, second] = await page.evaluate<{ x: number; y: number }[]>(
      `${JSON.stringify(names)}.map((name) => [...document.querySelectorAll('dialog button')]
        .find((button) => button.textContent.startsWith(name)).getBoundingClientRect().toJSON())`,
    );
    t.is(second?.y, first?.y, names.join(', '));
    t.true((second?.x ?? 0) > (first?.x ?? 0), names.join(', '));
  };
  await turnTo(page, `/invocations/${headers.get('x-request-id')}`);
  await page.getByRole('button', { name: 'Replay…' }).click();
  await inARow('Close', 'Replay');
  await page.keyboard.press('Escape');
  await turnTo(page, '/functions/twice/versions');
  await page.getByRole('button', { name: 'Roll back to version 1' }).click();
  await inARow('Close', 'Roll back to');
  await context.close();
});
