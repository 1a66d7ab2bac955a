import type { ExecutionContext } from 'ava';
import { acts, actsWasm } from '../helpers/acts.js';
import type { JsonValue } from '../helpers/api.js';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { aTenant } from '../http/served.js';
import { onApi, openSignedIn, pathOf } from './api-routes.js';
import { populate } from './scene.js';
import { livedViews, type View } from './views.js';

/** How the console shows many rows, long texts, bytes and times. */
const lived = shared(async () => {
  const engine = await startEngine();
  return Object.assign(engine, { scene: await populate(engine.api) });
});
const browserSays = browserTest(lived);

const ROWS = 10_000;
/** The largest number of rows of a table, including its header. */
const MOST_ROWS = 101;
/** Its offset ends in half an hour, unlike the zones of test machines. */
const ZONE = 'Asia/Kolkata';
const ZONE_MINUTES = 30;

/** Runs in the page. Returns the number of lines whose text overlaps the next line. */
const COVERED = `(() => {
  const boxes = [...document.querySelectorAll('.log .said')].map((text) => text.getBoundingClientRect());
  return boxes.filter(({ bottom }, at) => at + 1 < boxes.length && bottom > boxes[at + 1].top + 1).length;
})()`;

/** Runs in the page. Returns the times that the page shows. */
const TIMES = `[...document.querySelectorAll('#content time')].map((time) => (
  { at: time.dateTime, title: time.title, text: time.innerText }))`;

/** Runs in the page. Returns by how much its table is wider than its frame. */
const HIDDEN_WIDTH = `(() => {
  const { scrollWidth, clientWidth } = document.querySelector('#content .table');
  return scrollWidth - clientWidth;
})()`;

browserSays('of ten thousand rows a view shows a hundred at a time', async (t, browser) => {
  const { api, scene } = await lived();
  const { context, page, troubles } = await openSignedIn(browser, api);
  let many: View['whole'];
  await onApi(page, async (route) => {
    if (!many?.from.test(pathOf(route))) return route.continue();
    const reply = (await (await route.fetch()).json()) as JsonValue;
    const { list, key } = many;
    const [first] = reply[list];
    reply[list] = Array.from({ length: ROWS }, (_, row) => ({
      ...first,
      [key]: typeof first[key] === 'number' ? ROWS - row : `${first[key]}-${row}`,
    }));
    reply.count = ROWS;
    await route.fulfill({ json: reply });
  });
  const rows = () => page.locator('#content tr').count();
  // Views whose list needs another function than the default one.
  const views = livedViews(scene).map((view) =>
    ['function', 'triggers', 'versions'].includes(view.name)
      ? {
          ...view,
          path: view.path.replace('charge-card', view.name === 'triggers' ? 'nightly-report' : 'orders'),
        }
      : view,
  );
  for (const { name, path, whole } of views) {
    if (whole === undefined) continue;
    many = whole;
    await turnTo(page, path);
    const pages = page.getByRole('navigation', { name: /^Pages of/ }).filter({ hasText: 'of 10,000' });
    await pages.getByText('1–100 of 10,000').waitFor();
    await pages.getByRole('button', { name: 'Next' }).click();
    await pages.getByText('101–200 of 10,000').waitFor();
    t.true((await rows()) < MOST_ROWS + 60, `${name} has ${await rows()} rows`);
  }
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('ten thousand rows of SQL, log lines and topics leave the page usable', async (t, browser) => {
  const engine = await lived();
  const { api, scene } = engine;
  const { context, page } = await openSignedIn(browser, api);
  const line = { level: 'info', message: 'one of many', timestamp: new Date().toISOString() };
  await onApi(page, async (route) => {
    const path = pathOf(route);
    if (path.endsWith('/topics')) {
      return route.fulfill({ json: { topics: Array.from({ length: ROWS }, (_, at) => `topic:${at}`) } });
    }
    if (!path.endsWith('/logs')) return route.continue();
    const reply = (await (await route.fetch()).json()) as JsonValue;
    reply.logs[0].messages = Array.from({ length: ROWS }, () => line);
    await route.fulfill({ json: reply });
  });
  await turnTo(page, `/invocations/${scene.failed}`);
  await page.getByText('older ones are in the API').waitFor();
  t.is(await page.locator('.log .line').count(), 1000);
  await turnTo(page, '/events');
  await page.getByText('9,800 more').waitFor();
  t.is(await page.locator('.chips button').count(), 200);
  await turnTo(page, '/data');
  await page.getByLabel('Statement', { exact: true }).first().fill('');
  await page.locator('.cm-content').focus();
  await page.keyboard.insertText(
    `with recursive n(v) as (select 1 union all select v + 1 from n where v < ${ROWS}) select v from n`,
  );
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText(/^10,000 rows in/).waitFor();
  t.is(await page.getByRole('region', { name: 'Result' }).locator('tr').count(), MOST_ROWS);
  await context.close();
});

browserSays('a log of a hundred thousand lines a second leaves its page usable', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await tenant.deploy('chatty', await actsWasm());
  const { context, page } = await openSignedIn(browser, tenant);
  const messages = Array.from({ length: 2000 }, (_, at) => ({
    ...{ level: 'info', message: `line ${at}`, timestamp: new Date().toISOString() },
  }));
  const record = (attempt: number) =>
    `id: ${attempt}\ndata: ${JSON.stringify({ request_id: 'of-a-flood', attempt, messages })}\n\n`;
  await page.route(/\/logs\?follow=true/, (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      // The first record again: a resumed stream may repeat some.
      body: [...Array.from({ length: 50 }, (_, at) => record(at)), record(0)].join(''),
    }),
  );
  await turnTo(page, '/functions/chatty/log');
  await page.getByText('The last 1,000 lines; 99,000 older ones are in the API.').waitFor();
  t.is(await page.locator('.log .line').count(), 1000);
  t.regex(await page.locator('.log .line').last().innerText(), /line 1999$/);
  await context.close();
});

browserSays(
  'invocations and the audit log are turned page by page, as the engine gives them',
  async (t, browser) => {
    const tenant = await aTenant(await lived());
    await tenant.deploy('paged', await actsWasm());
    for (let call = 0; call < 60; call++) await tenant.invoke('paged', '[]');
    for (let made = 0; made < 101; made++) {
      await tenant.put('/v1/functions/secrets', { name: 'PAGED', value: String(made) });
    }
    const { context, page } = await openSignedIn(browser, tenant);
    for (const path of ['/invocations', '/keys']) {
      await turnTo(page, path);
      const pager = page.getByRole('navigation', { name: /Pages of (invocations|the audit log)/ });
      await pager.getByText('Page 1', { exact: true }).waitFor();
      await pager.getByRole('button', { name: 'Older' }).click();
      await pager.getByText('Page 2', { exact: true }).waitFor();
      await pager.getByRole('button', { name: 'Newer' }).click();
      await pager.getByText('Page 1', { exact: true }).waitFor();
      t.true((await page.locator('#content tr').count()) <= 110);
    }
    await context.close();
  },
);

browserSays('a share of failures is zero only if there were none', async (t, browser) => {
  const { api } = await lived();
  const { context, page } = await openSignedIn(browser, api);
  let failed = 0;
  await onApi(page, async (route) => {
    if (pathOf(route) !== '/v1/stats') return route.continue();
    const reply = (await (await route.fetch()).json()) as JsonValue;
    const none = { accepted: 0, success: 0, error: 0, timeout: 0, dead: 0, p50_ms: null, p95_ms: null };
    const minute = { ...reply.per_minute[0], ...none, success: 9999 - failed, error: failed };
    await route.fulfill({ json: { ...reply, per_minute: [minute] } });
  });
  const shares = [
    [0, '0.0 %'],
    [1, '< 0.1 %'],
    [5, '0.1 %'],
    [9998, '> 99.9 %'],
    [9999, '100.0 %'],
  ] as const;
  for (const [count, share] of shares) {
    failed = count;
    await turnTo(page, '');
    await page.locator('.tile', { hasText: 'Failed' }).getByText(share, { exact: true }).waitFor();
  }
  t.pass();
  await context.close();
});

browserSays('times are in the zone of the reader, with the UTC in their titles', async (t, browser) => {
  const { api, scene } = await lived();
  const { context, page } = await openSignedIn(browser, api, { timezoneId: ZONE, locale: 'en-GB' });
  const timed: string[] = [];
  for (const { name, path } of livedViews(scene)) {
    await turnTo(page, path);
    await hasLoaded(page);
    const times = await page.evaluate<{ at: string; title: string; text: string }[]>(TIMES);
    for (const { at, title, text } of times) {
      const date = new Date(at);
      t.is(title, `${date.toISOString()} (UTC)`, name);
      assertLocal(t, text, date);
    }
    if (times.length > 0) timed.push(name);
  }
  t.deepEqual(timed, [
    ...['overview', 'functions', 'function', 'triggers', 'versions', 'log', 'invocations', 'invocation'],
    ...['dead letters', 'secrets', 'keys'],
  ]);
  await context.close();
});

browserSays('bytes are shown in hexadecimal, and all of them can be downloaded', async (t, browser) => {
  const tenant = await aTenant(await lived());
  await tenant.deploy('bytes', await actsWasm());
  // The engine does not store an input of this size if the invocation succeeds.
  const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * 7 + 255) % 256);
  const input = Buffer.concat([bytes, Buffer.from(acts('exit 1'))]);
  const { headers } = await tenant.invoke('bytes', input);
  const id = String(headers.get('x-request-id'));
  const { context, page, troubles } = await openSignedIn(browser, tenant);
  const downloaded = async (what: string) => {
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: `Download ${what}` }).click();
    const stream = await (await saved).createReadStream();
    return Buffer.concat(await stream.toArray());
  };
  await turnTo(page, `/invocations/${id}`);
  const hex = page.getByLabel('Input as hexadecimal');
  t.regex(await hex.innerText(), /^00000000 {2}ff 06 0d 14 /);
  await page.getByText('The first 4.0 KB; download it for the rest.').waitFor();
  t.deepEqual(await downloaded('Input'), input);

  await tenant.post('/v1/rqlite/exec', { sql: 'create table b (v blob, t text)' });
  await tenant.post('/v1/rqlite/exec', {
    sql: "insert into b values (x'00ff10', ?)",
    args: ['long '.repeat(2000)],
  });
  await turnTo(page, '/data');
  await page.locator('.cm-content').focus();
  await page.keyboard.insertText('select v, t from b');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('button', { name: "x'00ff10' (3 B)" }).click();
  t.regex(await page.getByLabel('Value as hexadecimal').innerText(), /00 ff 10/);
  t.deepEqual(await downloaded('Value'), Buffer.from([0, 255, 16]));
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: /^long long/ }).click();
  t.is((await downloaded('Value')).length, 10_000);
  await page.getByRole('button', { name: 'Close' }).click();

  await turnTo(page, '/events?topic=raw');
  await page.getByText('Live', { exact: true }).waitFor();
  await tenant.post('/v1/pubsub/publish', { topic: 'raw', data_base64: input.toString('base64') });
  const messages = page.getByRole('list', { name: 'Messages on raw' });
  await messages.waitFor();
  t.regex(await messages.innerText(), /00000000 {2}ff 06 0d 14 [\s\S]*4\.4 KB more/);
  t.deepEqual(await downloaded('message'), input);
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('no line of a log stands over another', async (t, browser) => {
  const { api, scene } = await lived();
  for (const width of [1280, 390]) {
    const { context, page } = await openSignedIn(browser, api, { viewport: { width, height: 844 } });
    for (const path of [`/invocations/${scene.failed}`, '/functions/charge-card/log']) {
      await turnTo(page, path);
      await page.locator('.log .said').nth(1).waitFor();
      const covered = await page.evaluate<number>(COVERED);
      t.is(covered, 0, `${path} at ${width} pixels`);
    }
    await context.close();
  }
});

function assertLocal(t: ExecutionContext, text: string, at: Date): void {
  const [, minutes] = /\d\d:(\d\d):\d\d/.exec(text) ?? [];
  // Relative times contain no time of day.
  if (minutes !== undefined) t.is(Number(minutes), (at.getUTCMinutes() + ZONE_MINUTES) % 60, text);
}

browserSays(
  'a long name of a function pushes no column of the invocations out of sight',
  async (t, browser) => {
    const tenant = await aTenant(await lived());
    const name = 'n'.repeat(64);
    await tenant.deploy(name, await actsWasm());
    await tenant.invoke(name, acts(`fail ${'e'.repeat(200)}`, 'exit 1'));
    const { context, page } = await openSignedIn(browser, tenant);
    for (const path of ['', '/invocations']) {
      await turnTo(page, path);
      await page.locator('#content .table').getByText(name).waitFor();
      t.is(await page.evaluate(HIDDEN_WIDTH), 0, path);
    }
    // The filter takes no more room than its list.
    const gap = await page.evaluate(`(() => {
    const [first, second] = [...document.querySelectorAll('#content .filters .choice')];
    return second.getBoundingClientRect().left - first.querySelector('select').getBoundingClientRect().right;
  })()`);
    t.true(Number(gap) <= 16, String(gap));
    await context.close();
  },
);
