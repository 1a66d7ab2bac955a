import { ethWallet } from '../auth/wallet.js';
import { acts, actsWasm } from '../helpers/acts.js';
import { fillCode, openPage, openWindow, signIn } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { httpGuest } from '../helpers/http-guest.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { populate } from './scene.js';
import type { Served } from './served.js';
import { openConsole } from './signed-in.js';

/** What people do with the console, on an engine that is opened once for all of it. */
export function journeys(open: () => Promise<Served>): void {
  const browserSays = browserTest();

  const lived = shared(async () => {
    const engine = await open();
    return { ...engine, scene: await populate(engine.api) };
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
    const { page, troubles, done } = await openConsole(browser, api, '/functions');
    await page.getByLabel('Filter by name').fill('ord');
    await page.getByRole('link', { name: 'orders', exact: true }).click();
    await page.getByText('90 % on 1, 10 % on 2').waitFor();
    await page.getByRole('link', { name: 'Invoke', exact: true }).click();
    await fillCode(page, 'Input', acts('echo from the console'));
    await page.getByRole('button', { name: 'Invoke' }).click();
    await page.getByText('from the console', { exact: false }).last().waitFor();
    await page.getByRole('link', { name: 'show the invocation' }).click();
    await page.getByRole('heading', { name: 'Attempts' }).waitFor();
    t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /from the console/);
    t.deepEqual(troubles, []);
    done();
  });

  browserSays('a dead letter is seen, and purged only after it was asked', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/dead');
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
    done();
  });

  browserSays('a message published on the page arrives on it live, byte for byte', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '/events?topic=news:today');
    await page.getByText('Live', { exact: true }).waitFor();
    await fillCode(page, 'Data', '{"b": 9007199254740993, "a": 2.50}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('list', { name: 'Messages on news:today' }).waitFor();
    t.regex(
      await page.getByRole('list', { name: 'Messages on news:today' }).innerText(),
      /"b": 9007199254740993, "a": 2\.50/,
    );
    t.deepEqual(troubles, []);
    done();
  });

  browserSays('a secret is set and deleted, and its value is nowhere in the page', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/secrets');
    await page.getByLabel('Name').fill('CONSOLE_SECRET');
    await page.getByLabel('Value').fill('canary-of-the-console');
    await page.getByRole('button', { name: 'Set the secret' }).click();
    await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor();
    t.false((await page.content()).includes('canary-of-the-console'));
    await page.getByRole('button', { name: 'Delete secret CONSOLE_SECRET' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the secret' }).click();
    await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor({ state: 'detached' });
    t.false(JSON.stringify((await api.get('/v1/functions/secrets')).json).includes('CONSOLE_SECRET'));
    done();
  });

  browserSays('SQL reads with all digits, and writes only when it is let', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/data');
    await fillCode(page, 'Statement', 'select cents from orders where id = 3');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('cell', { name: '9007199254740993' }).waitFor();
    await fillCode(page, 'Statement', 'delete from orders where id = 1');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').waitFor();
    t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 1);
    await page.getByLabel('Let it write').check();
    await page.getByRole('button', { name: 'Run and write' }).click();
    await page.getByText(/^1 row changed/).waitFor();
    t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 0);
    done();
  });

  browserSays('a key without the right is told so, and by which scope it would be', async (t, browser) => {
    const { api } = await lived();
    const { json } = await api.post('/v1/auth/keys', { name: 'reader', scopes: ['read'] });
    const { page, done } = await openConsole(browser, api.as(json.api_key), '/secrets');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    t.regex(await alert.innerText(), /may not see the secrets[\s\S]*secrets/);
    await page.getByRole('link', { name: 'Functions', exact: true }).click();
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    done();
  });

  browserSays('an invocation shows up in the open list by itself', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/invocations?function=send-receipt');
    await page
      .locator('#content')
      .getByText(/No invocations|Nothing matches|State/)
      .first()
      .waitFor();
    const { headers } = await api.invoke('send-receipt', '[]');
    const id = String(headers.get('x-request-id'));
    await page.locator(`a[href$="/invocations/${id}"]`).waitFor();
    t.pass();
    done();
  });

  browserSays(
    'the page of an event shows every run that it caused, and leads to each',
    async (t, browser) => {
      const { api, scene } = await lived();
      const { page, troubles, done } = await openConsole(browser, api, `/invocations/${scene.tree}`);
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
      done();
    },
  );

  browserSays('what has ended is replayed on another version with an edited input', async (t, browser) => {
    const { api } = await lived();
    const { headers } = await api.invoke('orders@1', '[]');
    const id = String(headers.get('x-request-id'));
    const { page, done } = await openConsole(browser, api, `/invocations/${id}`);
    await page.getByRole('button', { name: 'Replay…' }).click();
    const dialog = page.getByRole('dialog');
    await fillCode(page, 'Input', acts('echo edited'));
    await dialog.getByLabel('Version').selectOption('2');
    await dialog.getByRole('button', { name: 'Replay with this input' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByLabel('Output', { exact: true }).waitFor();
    t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /edited/);
    await page.getByRole('link', { name: 'orders@2' }).first().waitFor();
    done();
  });

  browserSays('the overview draws what the engine has counted', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '');
    await page.getByRole('img', { name: /^\d+ calls in \d+ minutes/ }).waitFor();
    await page.locator('.chart canvas').waitFor();
    t.deepEqual(troubles, []);
    done();
  });

  browserSays(
    'an HTTP request is put together, sent, and its reply and invocation shown',
    async (t, browser) => {
      const { api } = await lived();
      const context = await openWindow(browser);
      const { page, troubles } = await openPage(context);
      await api.deploy('pay', await httpGuest(), {
        metadata: JSON.stringify({ http: { routes: ['POST /pay/{id}'] } }),
      });
      await signIn(page, api, '/functions/pay/request');
      await page.getByRole('button', { name: 'POST /pay/{id}' }).click();
      t.is(await page.getByLabel('Method').inputValue(), 'POST');
      await page.getByLabel('Path').fill('/pay/7');
      await page.getByLabel('Query').fill('currency=EUR');
      await page.getByLabel('Headers', { exact: true }).fill('X-Test: yes');
      await fillCode(page, 'Body', '{"cents": 4200}');
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('link', { name: 'show the invocation' }).waitFor();
      const reply = page.locator('.panel', { hasText: 'Reply' }).last();
      t.regex(await reply.innerText(), /200/);
      const { request, body } = JSON.parse(await page.getByLabel('Reply body', { exact: true }).innerText());
      t.like(request, { method: 'POST', params: { id: '7' }, query: { currency: ['EUR'] } });
      t.is(request.headers['x-test'], 'yes');
      t.is(Buffer.from(body, 'base64').toString(), '{"cents": 4200}');

      const own = { status: 418, headers: { 'X-Own': 'mine' }, body: '' };
      await page.getByLabel('Headers', { exact: true }).fill(`X-Do: reply ${JSON.stringify(own)}`);
      await page.getByRole('button', { name: 'Send' }).click();
      await reply.locator('.state', { hasText: '418' }).waitFor();
      t.regex(await page.getByLabel('Reply headers').innerText(), /x-own: mine/);

      await page.getByLabel('Send it without a credential').check();
      await page.getByRole('button', { name: 'Send' }).click();
      await reply.locator('.state', { hasText: '401' }).waitFor();
      await page.getByLabel('Send it without a credential').uncheck();
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('link', { name: 'show the invocation' }).click();
      await page.getByRole('heading', { name: 'pay', level: 1 }).waitFor();
      t.deepEqual(troubles, []);
      await context.close();
    },
  );

  browserSays('a published message leads to a page with all that it has caused', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '/events?topic=orders:created');
    await fillCode(page, 'Data', '[]');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('it has fired 2 invocations').waitFor();
    await page.getByRole('link', { name: 'Show what it does' }).click();
    await page.getByRole('heading', { name: 'Message', level: 1 }).waitFor();
    const tree = page.locator('ol.tree');
    await tree.getByRole('link', { name: /update-stock/ }).click();
    await page.getByRole('heading', { name: 'update-stock', level: 1 }).waitFor();
    // From one of them, the others that the same message has fired are seen.
    await tree.getByRole('link', { name: /charge-card/ }).waitFor();
    t.deepEqual(troubles, []);
    done();
  });

  browserSays(
    'dead letters are counted, replayed and purged by reason, and some by their boxes',
    async (t, browser) => {
      const { api } = await lived();
      await api.deploy('fails', await actsWasm());
      const dying = [acts('exit 1'), acts('exit 2'), acts('exit 3')];
      for (const input of dying) await api.invoke('fails', input, { prefer: 'respond-async' });
      const dead = async () => (await api.get('/v1/invocations?status=dead&function=fails')).json.count;
      await until('three dead letters', async () => (await dead()) === 3);
      const { page, done } = await openConsole(browser, api, '/dead');
      const group = page.getByRole('row', { name: /^fails Error/ });
      await group.getByRole('cell', { name: '3', exact: true }).waitFor();
      await group.getByRole('link', { name: 'fails' }).click();
      const boxes = page.getByRole('checkbox', { name: /^Choose fails/ });
      const all = page.getByRole('checkbox', { name: 'Choose all on this page' });
      await boxes.first().check();
      await page.getByRole('button', { name: 'Replay 1 chosen one' }).click();
      await page.getByText('1 invocation runs again.').waitFor();
      await page.getByLabel('Reason').selectOption('timeout');
      await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
      t.true(await page.getByRole('button', { name: 'Purge all' }).isDisabled());
      await until('the replayed one has died again', async () => (await dead()) === 3);
      await page.getByLabel('Reason').selectOption('error');
      await boxes.nth(2).waitFor();
      await all.check();
      await boxes.first().uncheck();
      const kept = await boxes.first().getAttribute('aria-label');
      await page.getByRole('button', { name: 'Purge 2 chosen ones' }).click();
      t.regex(await page.getByRole('dialog').innerText(), /fails [0-9a-f-]{36}, fails .*cannot be undone/s);
      await page.keyboard.press('Escape');
      t.is(await dead(), 3);
      await page.getByRole('button', { name: 'Purge 2 chosen ones' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Purge 2 chosen ones' }).click();
      await page.getByText('2 dead letters purged.').waitFor();
      await boxes.nth(1).waitFor({ state: 'detached' });
      t.is(await boxes.first().getAttribute('aria-label'), kept);
      await page.getByRole('button', { name: 'Purge all' }).click();
      t.regex(await page.getByRole('dialog').innerText(), /"fails" with the reason "Error"/);
      await page.getByRole('dialog').getByRole('button', { name: 'Purge all' }).click();
      await page.getByText('1 dead letter of fails purged.').waitFor();
      t.is(await dead(), 0);
      done();
    },
  );

  browserSays('a rollback shows what would change before it changes anything', async (t, browser) => {
    const { api } = await lived();
    const deploy = async (memory: string, env: object) =>
      api.deploy('settled', await actsWasm(), {
        memory_limit_mb: memory,
        metadata: JSON.stringify({ env }),
      });
    await deploy('64', { LEVEL: 'debug', SAME: 'x' });
    await deploy('96', { LEVEL: 'info', SAME: 'x' });
    const { page, done } = await openConsole(browser, api, '/functions/settled/versions');
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('metadata.env.LEVEL').waitFor();
    const rows = await dialog.locator('tbody tr').allInnerTexts();
    t.deepEqual(
      rows.map((row) => row.split(/\s+/)),
      [
        ['memory_limit_mb', '96', '64'],
        ['metadata.env.LEVEL', 'info', 'debug'],
      ],
    );
    await page.keyboard.press('Escape');
    t.is((await api.get('/v1/functions/settled')).json.version, 2);
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    await dialog.getByRole('button', { name: 'Roll back to 1' }).click();
    await page.getByRole('cell', { name: '3', exact: true }).waitFor();
    t.is((await api.get('/v1/functions/settled')).json.memory_limit_mb, 64);

    // Where calls go by the alias live, a new version would be run by none: the alias is moved.
    await api.put('/v1/functions/settled/aliases/live', { version: 3 });
    await page.reload();
    await page.getByRole('row', { name: /^3 live .* runs now$/ }).waitFor();
    await page.getByRole('button', { name: 'Roll back to version 2' }).click();
    t.regex(await dialog.innerText(), /"live" goes from version 3 to version 2/);
    await dialog.getByRole('button', { name: 'Roll back to 2' }).click();
    await page.getByRole('row', { name: /^2 live .* runs now$/ }).waitFor();
    t.is((await api.get('/v1/functions/settled/versions')).json.count, 3);
    t.is((await api.invoke('settled', '[]')).headers.get('x-function-version'), '2');
    done();
  });

  browserSays('a rollout is started, seen, and aborted after it was asked', async (t, browser) => {
    const { api } = await lived();
    for (let version = 0; version < 2; version++) await api.deploy('rolled', await actsWasm());
    await api.put('/v1/functions/rolled/aliases/live', { version: 1 });
    const { page, done } = await openConsole(browser, api, '/functions/rolled');
    await page.getByText('Start a rollout').click();
    await page.getByLabel('Steps in percent').fill('10, 50');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('10 %', { exact: true }).waitFor();
    t.like((await api.get('/v1/functions/rolled/rollout')).json, { to: 2, state: 'running', percent: 10 });
    await page.getByRole('button', { name: 'Abort the rollout' }).click();
    t.regex(await page.getByRole('dialog').innerText(), /rolled.*version 1 again/s);
    await page.getByRole('dialog').getByRole('button', { name: 'Abort the rollout' }).click();
    await page.getByText('aborted').first().waitFor();
    t.is((await api.get('/v1/functions/rolled/rollout')).json.state, 'aborted');
    done();
  });

  browserSays('a schedule is added, run now, paused and deleted', async (t, browser) => {
    const { api } = await lived();
    await api.deploy('timed', await actsWasm());
    const { page, done } = await openConsole(browser, api, '/functions/timed/triggers');
    await page.getByLabel('Kind').selectOption('cron');
    await page.getByLabel('Cron expression').fill('0 3 * * *');
    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByRole('button', { name: 'Add the trigger' }).click();
    const named = '0 3 * * * (Europe/Berlin)';
    await page.getByRole('button', { name: `Pause trigger ${named}` }).click();
    await page.getByRole('button', { name: `Resume trigger ${named}` }).waitFor();
    t.false((await api.get('/v1/functions/timed/triggers')).json.triggers[0].enabled);
    await page.getByRole('button', { name: `Run trigger ${named} now` }).click();
    await page.getByText('cron, depth 1').waitFor();
    await page.goBack();
    await page.getByRole('button', { name: `Delete trigger ${named}` }).click();
    t.regex(await page.getByRole('dialog').innerText(), /no longer fires timed/);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the trigger' }).click();
    await page.getByText('None: it runs when it is invoked.').waitFor();
    t.is((await api.get('/v1/functions/timed/triggers')).json.count, 0);
    done();
  });

  browserSays('a key is made with scopes, shown once, and revoked', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/keys');
    await page.getByLabel('Name').fill('ci-of-the-console');
    await page.getByLabel('publish').check();
    await page.getByRole('button', { name: 'Make the key' }).click();
    const key = (await page.locator('pre.key').innerText()).trim();
    const { json } = await api.as(key).get('/v1/auth/whoami');
    t.deepEqual([...json.scopes].sort(), ['publish', 'read']);
    await page.getByRole('button', { name: 'Done' }).click();
    t.false((await page.content()).includes(key));
    await page.getByRole('button', { name: 'Revoke key ci-of-the-console' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByRole('cell', { name: 'ci-of-the-console', exact: true }).waitFor({ state: 'detached' });
    await until('it is refused', async () => (await api.as(key).get('/v1/auth/whoami')).status === 401);
    done();
  });

  browserSays(
    'what waits is cancelled after it was asked, and the page shows its end',
    async (t, browser) => {
      const { api } = await lived();
      const { json } = await api.invoke('orders', '[]', {
        prefer: 'respond-async',
        'x-delay-seconds': '600',
      });
      const { page, done } = await openConsole(browser, api, `/invocations/${json.request_id}`);
      await page.getByRole('button', { name: 'Cancel' }).click();
      t.regex(await page.getByRole('dialog').innerText(), new RegExp(json.request_id));
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel the invocation' }).click();
      await page.getByText('cancelled').first().waitFor();
      await page.getByRole('button', { name: 'Replay…' }).waitFor();
      done();
    },
  );

  browserSays('a wallet of the browser signs in, and claims its namespace', async (t, browser) => {
    const { api, url } = await lived();
    const wallet = ethWallet();
    const context = await openWindow(browser);
    await context.exposeFunction('signWithTestWallet', (hex: string) =>
      wallet.sign(Buffer.from(hex.slice(2), 'hex').toString()),
    );
    await context.addInitScript(`window.ethereum = {
    async request({ method, params }) {
      if (method === 'eth_requestAccounts') return ['${wallet.address}'];
      if (method === 'personal_sign') return window.signWithTestWallet(params[0]);
      throw new Error('unknown method ' + method);
    },
  };`);
    const { page, troubles } = await openPage(context);
    await page.goto(`${url}/console`);
    const namespace = `of-${wallet.address.slice(2, 12)}`;
    await page.getByLabel('Namespace').fill(namespace);
    await page.getByRole('button', { name: 'Sign in with the wallet' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText(namespace, { exact: true }).waitFor();
    await page.getByText('This namespace has no functions yet.').waitFor();
    // What is another's stays another's.
    await page.goto(`${url}/console/functions/orders`);
    await page.getByRole('alert').waitFor();
    const other = ethWallet();
    const { json } = await api.as().post('/v1/auth/challenge', { wallet: other.address, namespace });
    const refused = await api.as().post('/v1/auth/verify', {
      ...{ wallet: other.address, nonce: json.nonce, signature: other.sign(json.nonce), namespace },
      chain_type: 'ETH',
    });
    t.is(refused.status, 403);
    t.deepEqual(troubles, []);
    await context.close();
  });
}
