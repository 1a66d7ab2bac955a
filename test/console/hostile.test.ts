import type { JsonValue } from '../helpers/api.js';
import { fillCode, hasLoaded, openPage, openWindow, signIn, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { httpGuest } from '../helpers/http-guest.js';
import { httpServer } from '../helpers/http-server.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { feed } from './feed.js';
import { FORGE, looksHarmless, TOO_WIDE, TRY_WHAT_IS_REFUSED } from './page-scripts.js';
import { populate } from './scene.js';
import { livedViews } from './views.js';

const engine = shared(() => startEngine());
/** A second namespace, so that the data of one is not shown in the other. */
const lived = shared(async () => {
  const tenant = await aTenant(await engine());
  return { api: tenant, scene: await populate(tenant), close: async () => undefined };
});
const browserSays = browserTest(lived);

const MARKUP =
  '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><svg onload="window.pwned=1">';
const BIDI = '\u202Egnp.exe\u2066\u200B';
const HOSTILE = `"'\`\${MARKUP}${MARKUP}${BIDI}</pre></table>javascript:window.pwned=1`;
const LONG_LINE = 'x'.repeat((1 << 20) - 2000);

browserSays(
  'markup, scripts and turned text are shown as what they are, wherever they come from',
  async (t, browser) => {
    const { api } = await engine();
    const wasm = await probeWasm();
    await api.deploy('hostile', wasm, {
      metadata: JSON.stringify({ triggers: [{ topic: `t:${MARKUP.replaceAll(' ', '_')}` }] }),
    });
    const echo = await api.invoke(
      'hostile',
      JSON.stringify([
        { op: 'log', a: HOSTILE },
        { op: 'stderr', a: HOSTILE },
        { op: 'echo', a: HOSTILE },
      ]),
    );
    const raw = await api.invoke('hostile', HOSTILE);
    const dead = await api.invoke('hostile', JSON.stringify([{ op: 'panic', a: HOSTILE }]), {
      Prefer: 'respond-async',
    });
    await api.post('/v1/rqlite/exec', { sql: 'create table h (v text)' });
    await api.post('/v1/rqlite/exec', { sql: 'insert into h values (?)', args: [HOSTILE] });
    await api.post('/v1/auth/keys', { name: HOSTILE.slice(0, 128) });
    const ids = [echo.headers.get('x-request-id'), raw.headers.get('x-request-id'), dead.json.request_id];

    const context = await openWindow(browser);
    const { page, troubles } = await openPage(context);
    await signIn(page, api);
    const visit = async (path: string) => {
      await page.goto(`${api.url}/console${path}`);
      await hasLoaded(page);
      t.deepEqual(await looksHarmless(page), [], path);
    };
    for (const path of [
      '',
      '/functions/hostile/triggers',
      '/functions/hostile/log',
      '/invocations',
      '/dead',
      '/events',
      '/keys',
    ]) {
      await visit(path);
    }
    for (const id of ids) await visit(`/invocations/${id}`);
    t.regex(await page.locator('#content').innerText(), /<img src=x|panic/);
    await visit(`/invocations/${encodeURIComponent(MARKUP)}`);
    await visit(`/functions/${encodeURIComponent(MARKUP)}`);
    await visit(`/${encodeURIComponent(MARKUP)}?function=${encodeURIComponent(MARKUP)}`);

    await page.goto(`${api.url}/console/data`);
    await fillCode(
      page,
      'Statement',
      `select v, '${MARKUP.replaceAll("'", "''")}' as "${MARKUP.replaceAll('"', '""')}" from h`,
    );
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/^1 row in/).waitFor();
    t.deepEqual(await looksHarmless(page), []);

    await page.goto(`${api.url}/console/events?topic=live`);
    await page.getByText('Live', { exact: true }).waitFor();
    await api.publish('live', HOSTILE);
    await page.getByRole('list', { name: 'Messages on live' }).waitFor();
    t.regex(
      await page.getByRole('list', { name: 'Messages on live' }).innerText(),
      /<script>window\.pwned=1<\/script>.*\\u\{202e\}/s,
    );
    t.deepEqual(await looksHarmless(page), []);

    await page.goto(`${api.url}/console/invocations/${ids[1]}`);
    await page.getByRole('button', { name: 'Replay…' }).click();
    await page.locator('dialog .cm-content').waitFor();
    t.deepEqual(await looksHarmless(page), []);
    t.deepEqual(troubles, []);
    await context.close();
  },
);

browserSays(
  'what an HTTP function answers, and what settings hold, is text in the page',
  async (t, browser) => {
    const { api } = await engine();
    const deploy = async (env: object) =>
      api.deploy('answers', await httpGuest(), {
        metadata: JSON.stringify({ env, http: {} }),
      });
    await deploy({ [MARKUP.slice(0, 40)]: HOSTILE });
    await deploy({});
    const context = await openWindow(browser);
    const { page, troubles } = await openPage(context);
    await signIn(page, api, '/functions/answers/request');
    const reply = {
      status: 200,
      headers: { 'Content-Type': 'text/html', 'X-Hostile': MARKUP },
      body: Buffer.from(HOSTILE).toString('base64'),
    };
    await page.getByLabel('Headers', { exact: true }).fill(`X-Do: reply ${JSON.stringify(reply)}`);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByLabel('Reply body', { exact: true }).waitFor();
    t.regex(
      await page.getByLabel('Reply body', { exact: true }).innerText(),
      /<script>window\.pwned=1<\/script>/,
    );
    t.deepEqual(await looksHarmless(page), []);
    await page.goto(`${api.url}/console/functions/answers/versions`);
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    await page.getByRole('dialog').getByText('metadata.env').first().waitFor();
    t.deepEqual(await looksHarmless(page), []);
    t.deepEqual(troubles, []);
    await context.close();
  },
);

browserSays('whatever text the engine answers anywhere, every view shows it as text', async (t, browser) => {
  const { api, scene } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await signIn(page, api, '/nowhere');
  let fed = 0;
  await feed(page, () => `${HOSTILE} ${++fed}`);
  for (const { name, path } of livedViews(scene)) {
    const before = fed;
    await turnTo(page, path);
    await hasLoaded(page);
    t.true(fed > before, `${name} was fed nothing`);
    t.deepEqual(await looksHarmless(page), [], name);
  }
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('whatever is long anywhere, every view stays narrow and light', async (t, browser) => {
  const { api, scene } = await lived();
  const context = await openWindow(browser, { viewport: { width: 390, height: 844 } });
  const { page, troubles } = await openPage(context);
  await signIn(page, api, '/nowhere');
  let fed = 0;
  await feed(page, () => `${++fed}${'x'.repeat(100_000)}`);
  for (const { name, path } of livedViews(scene)) {
    await turnTo(page, path);
    await hasLoaded(page);
    t.deepEqual(await page.evaluate<string[]>(TOO_WIDE), [], name);
    const characters = await page.evaluate<number>("document.querySelector('#content').innerText.length");
    t.true(characters < 200_000, `${name} shows ${characters} characters`);
  }
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('another site can send nothing with the session, nor hold the page', async (t, browser) => {
  const { api, url } = await engine();
  const site = await httpServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>another</title>');
  });
  t.teardown(() => site.close());
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, '/events?topic=forged');
  await page.getByText('Live', { exact: true }).waitFor();
  t.deepEqual(await context.cookies(), []);
  const other = await context.newPage();
  await other.goto(site.url);
  const tried = await other.evaluate<JsonValue>(`${FORGE}(${JSON.stringify(url)})`);
  t.deepEqual(tried, { posted: ['opaque', 'refused'], socket: 'closed', framed: false, opened: null });
  const names = await api.get('/v1/functions/secrets');
  t.false(names.text.includes('FORGED'));
  await api.publish('forged', 'mine');
  const messages = page.getByRole('list', { name: 'Messages on forged' });
  await messages.getByText('mine').waitFor();
  t.is(await messages.getByRole('listitem').count(), 1);
  await context.close();
});

browserSays('no address that the console asks for holds a credential', async (t, browser) => {
  const { api } = await engine();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  page.on('websocket', (socket) => addresses.push(socket.url()));
  await signIn(page, api, '/events?topic=seen');
  await page.getByText('Live', { exact: true }).waitFor();
  const stored = await page.evaluate<string>("sessionStorage.getItem('orama.session')");
  const { accessToken, refreshToken } = JSON.parse(stored) as Record<string, string>;
  t.true(addresses.some((address) => address.includes('/v1/pubsub/ws')));
  for (const secret of [accessToken, refreshToken, api.key]) {
    t.false(addresses.some((address) => address.includes(secret ?? '')));
  }
  t.false(addresses.some((address) => /token=|api_key=/.test(new URL(address).search)));
  await context.close();
});

browserSays('a line of a megabyte leaves the page usable', async (t, browser) => {
  const { api } = await engine();
  await api.deploy('long', await probeWasm());
  const { headers } = await api.invoke('long', JSON.stringify(LONG_LINE));
  await api.invoke('long', JSON.stringify([{ op: 'log', a: LONG_LINE }]));
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api, `/invocations/${headers.get('x-request-id')}`);
  await page.getByRole('heading', { name: 'Output' }).waitFor();
  t.true((await page.content()).length < 400_000);
  t.true(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
  await page.getByRole('link', { name: 'Functions', exact: true }).click();
  await page.getByRole('link', { name: 'long', exact: true }).click();
  await page.getByRole('link', { name: 'Log', exact: true }).click();
  await page.getByText('more characters').first().waitFor();
  t.true(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
  await context.close();
});

browserSays(
  'the policy refuses scripts, frames and strangers, and the console needs none of them',
  async (t, browser) => {
    const { api, url } = await engine();
    const context = await openWindow(browser);
    const { page, troubles } = await openPage(context);
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await signIn(page, api);
    for (const name of [
      'Functions',
      'Invocations',
      'Dead letters',
      'Events',
      'Secrets',
      'Data',
      'Keys',
      'Usage',
    ]) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    }
    t.deepEqual([...hosts], [new URL(url).host]);
    t.deepEqual(troubles, []);

    const refused = await page.evaluate<{ violations: string[]; ran: boolean }>(TRY_WHAT_IS_REFUSED);
    t.false(refused.ran);
    t.true(refused.violations.includes('connect-src'));
    t.true(refused.violations.includes('markup'));
    await context.close();
  },
);
