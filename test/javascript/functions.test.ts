import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { functionNameSchema, requestIdSchema } from '../../src/contract/ids.js';
import { createEngine } from '../../workers/engine/engine.js';
import { type CallOptions, guestCall, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = createEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

async function run(source: string, input: unknown, options: CallOptions = {}) {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return runText(engine, await buildJavaScript(source), text, { warmStart: 'reactor', ...options });
}

const HANDLERS = `import type { Handlers } from 'orama';
export default {
  async fetch(request, env, ctx) { return new Response(request.method + ' ' + (await request.text())); },
  async event(event, env, ctx) { return { event: event.data }; },
  scheduled(event) { return { cron: event.cron, time: event.scheduledTime }; },
} satisfies Handlers;`;
const EVENT = { topic: 'a:b', data: { n: 1 }, namespace: 'test', trigger_depth: 1, timestamp: 5 };
const SCHEDULE = {
  cron: '* * * * *',
  scheduled_at: '1970-01-01T00:01:00Z',
  namespace: 'test',
  trigger_depth: 1,
  timestamp: 60,
};

test('each trigger calls its handler: fetch, event or scheduled', async (t) => {
  const wasm = await buildJavaScript(HANDLERS);
  const outputs = await Promise.all(
    [
      ['async', 'plain text', 'POST plain text'],
      ['http', EVENT, `POST ${JSON.stringify(EVENT)}`],
      ['pubsub', EVENT, '{"event":{"n":1}}'],
      ['cron', SCHEDULE, '{"cron":"* * * * *","time":60000}'],
      // A replay is recognized by its input.
      ['replay', EVENT, '{"event":{"n":1}}'],
      ['replay', SCHEDULE, '{"cron":"* * * * *","time":60000}'],
      ['replay', { topic: 'x' }, 'POST {"topic":"x"}'],
    ].map(async ([trigger, input, expected]) => {
      const text = typeof input === 'string' ? input : JSON.stringify(input);
      const env = { ORAMA_TRIGGER: String(trigger) };
      const { output, error } = await runText(engine, wasm, text, { warmStart: 'reactor', env });
      return [output, error, expected];
    }),
  );
  for (const [output, error, expected] of outputs) {
    t.is(error, null);
    t.is(output, expected);
  }
});

test('a call by hand reaches the handler of its envelope where there is no fetch, and is told what it was else', async (t) => {
  const source = 'export default { event: ({ topic }) => topic, scheduled: ({ cron }) => cron };';
  const wasm = await buildJavaScript(source);
  const called = async (input: unknown) => {
    const { output, error } = await runText(engine, wasm, JSON.stringify(input), {
      warmStart: 'reactor',
      env: { ORAMA_TRIGGER: 'http' },
    });
    return error ?? output;
  };
  const common = { namespace: 'test', trigger_depth: 1, timestamp: 0 };
  t.is(await called({ topic: 'orders:new', data: { n: 1 }, ...common }), '"orders:new"');
  t.is(await called({ cron: '* * * * *', scheduled_at: '2026-01-01T00:00:00Z', ...common }), '"* * * * *"');
  t.is(
    await called({ n: 1 }),
    'exited with code 65: NonRetryableError: The default export has no handler fetch, and got: {"n":1}',
  );
});

test('a trigger without a handler ends with a NonRetryableError that names the handler', async (t) => {
  const source = 'export default { fetch() { return new Response("x"); } };';
  const outcome = await run(source, EVENT, { env: { ORAMA_TRIGGER: 'pubsub' } });
  t.is(outcome.exitCode, 65);
  t.is(outcome.error, 'exited with code 65: NonRetryableError: The default export has no handler event');
});

test('a plain function receives parsed JSON or else text, and its result is written as JSON', async (t) => {
  const source = 'export default async (input) => input === "none" ? undefined : { input };';
  t.is((await run(source, '{"a":[1]}')).output, '{"input":{"a":[1]}}');
  t.is((await run(source, 'a text')).output, '{"input":"a text"}');
  t.is((await run(source, 'none')).output, '');
});

test('a fetch handler can return a Response with bytes', async (t) => {
  const source =
    'export default { async fetch(request) { return new Response((await request.bytes()).map((byte) => byte ^ 255)); } };';
  const wasm = await buildJavaScript(source);
  const { output } = await engine.run(guestCall(wasm, Uint8Array.of(0, 1, 128), { warmStart: 'reactor' }));
  t.deepEqual([...output], [255, 254, 127]);
});

test('the context and env contain the values of the invocation', async (t) => {
  const requestId = requestIdSchema.parse('01890000-0000-7000-8000-000000000001');
  const outcome = await run(
    'export default (_, env, ctx) => [ctx.requestId, ctx.attempt, ctx.wallet, ctx.namespace, ctx.function, ctx.version, env.GREETING, env.NONE === undefined, "GREETING" in env];',
    '',
    {
      requestId,
      callerWallet: '0xabc',
      functionName: functionNameSchema.parse('named'),
      env: { GREETING: 'Hi', ORAMA_ATTEMPT: '2', ORAMA_NAMESPACE: 'space', ORAMA_VERSION: '7' },
    },
  );
  t.deepEqual(JSON.parse(outcome.output), [requestId, 2, '0xabc', 'space', 'named', 7, 'Hi', true, true]);
});

test('the context can be copied with the spread operator and written as JSON', async (t) => {
  const requestId = requestIdSchema.parse('01890000-0000-7000-8000-000000000002');
  const call = {
    requestId,
    callerWallet: '0xabc',
    functionName: functionNameSchema.parse('named'),
    env: { ORAMA_ATTEMPT: '2', ORAMA_NAMESPACE: 'space', ORAMA_VERSION: '7' },
  };
  const shown = {
    requestId,
    attempt: 2,
    wallet: '0xabc',
    namespace: 'space',
    function: 'named',
    version: 7,
  };
  const outcome = await run('export default (_, env, ctx) => [ctx, { ...ctx }];', '', call);
  t.deepEqual(JSON.parse(outcome.output), [shown, shown]);
});

test('bindings from env and from the orama module call the host functions and return their results', async (t) => {
  const calls: unknown[] = [];
  const stored = new Map<string, Uint8Array>();
  const source = `import { CACHE, DB, enqueue, publish, SECRETS, STORAGE } from 'orama';
    export default async (_: unknown, env: any) => {
      await CACHE.put('k', 'väl', { expirationTtl: 60 });
      await env.CACHE.put('bytes', new Uint8Array([1, 2]));
      const cid = await STORAGE.put('content');
      return [
        env.CACHE === CACHE,
        await CACHE.get('k'), await CACHE.get('bytes', 'arrayBuffer').then((b) => [...new Uint8Array(b!)]), await CACHE.get('none'),
        await CACHE.increment('n', 5), await CACHE.delete('k'),
        await SECRETS.get('S'), await SECRETS.get('none'),
        (await DB.prepare('SELECT ? AS a, ? AS b').bind(9007199254740993n, new Uint8Array([255])).all()).results.map((row: any) => [typeof row.one, String(row.one), row.small, row.part, [...row.blob]]),
        await DB.prepare('-- why\\nselect 1 as one').first('one'), await DB.prepare('select none').first(),
        (await DB.prepare('INSERT INTO t VALUES (?)').bind('x').run()).meta.changes,
        cid, await (await STORAGE.get(cid))!.text(), await STORAGE.get('none'),
        await publish('a:b', { x: 1 }), await enqueue('other', [1], { delay: 3 }),
      ];
    };`;
  const outcome = await run(source, '', {
    host: {
      cache_set: async (key, value, ttl) => {
        calls.push(['set', key, ttl]);
        stored.set(key, value);
      },
      cache_get: async (key) => stored.get(key) ?? null,
      cache_incr: async () => 11n,
      cache_incr_by: async (_key, delta) => 10n + delta,
      cache_delete: async () => true,
      get_secret: async (name) => (name === 'S' ? 'secret' : null),
      db_query: async (sql, args) => {
        calls.push(['query', sql, args]);
        if (sql.includes('none')) return '[]';
        return sql.includes('as one')
          ? '[{"one":1}]'
          : '[{"one":9007199254740993,"small":7,"part":0.1234567890123456,"blob":{"$blob":"/w=="}}]';
      },
      db_execute: async (sql, args) => {
        calls.push(['execute', sql, args]);
        return 4;
      },
      storage_put: async (data) => {
        stored.set('cid', data);
        return 'cid';
      },
      storage_get: async (cid) => stored.get(cid) ?? null,
      pubsub_publish: async (topic, data) => {
        calls.push(['publish', topic, new TextDecoder().decode(data)]);
        return 1;
      },
      enqueue: async (name, payload, delay) => {
        calls.push(['enqueue', name, new TextDecoder().decode(payload), delay]);
        return requestIdSchema.parse('01890000-0000-7000-8000-000000000002');
      },
    },
  });
  t.is(outcome.error, null, outcome.log.join('\n'));
  t.deepEqual(JSON.parse(outcome.output), [
    ...[true, 'väl', [1, 2], null, 15, true, 'secret', null],
    ...[[['bigint', '9007199254740993', 7, 0.1234567890123456, [255]]], 1, null, 4, 'cid', 'content', null],
    ...[null, '01890000-0000-7000-8000-000000000002'],
  ]);
  t.deepEqual(calls, [
    ['set', 'k', 60],
    ['set', 'bytes', 0],
    ['query', 'SELECT ? AS a, ? AS b', '[9007199254740993,{"$blob":"/w=="}]'],
    ['query', '-- why\nselect 1 as one', '[]'],
    ['query', 'select none', '[]'],
    ['execute', 'INSERT INTO t VALUES (?)', '["x"]'],
    ['publish', 'a:b', '{"x":1}'],
    ['enqueue', 'other', '[1]', 3],
  ]);
});

test('a statement that begins with WITH is executed or queried as its main verb has it', async (t) => {
  const reads = [
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'with recursive a(n) as (values (\')\'), ("delete"), ([insert])) /* update ( */ select n -- delete',
    'WITH a AS (SELECT replace(x, 1, 2) FROM t), b AS (DELETE) SELECT * FROM a',
    'WITH "insert" AS (SELECT 1), `it\'s` AS (SELECT 2) VALUES (1)',
  ];
  const writes = [
    'WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a',
    '/* why */ with a as (select 1)\nUPDATE t SET n = 1',
    "WITH a AS (SELECT '(') DELETE FROM t",
    'WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a',
    'WITH replace AS (SELECT 1) INSERT INTO t SELECT * FROM replace',
  ];
  const source = `const reads = ${JSON.stringify(reads)}, writes = ${JSON.stringify(writes)};
    export default async (_, env) => {
      for (const sql of reads) await env.DB.prepare(sql).run();
      for (const sql of writes) await env.DB.prepare(sql).all();
    };`;
  const queried: string[] = [];
  const executed: string[] = [];
  const { error, log } = await run(source, '', {
    host: {
      db_query: async (sql) => {
        queried.push(sql);
        return '[]';
      },
      db_execute: async (sql) => executed.push(sql),
    },
  });
  t.is(error, null, log.join('\n'));
  t.deepEqual([queried, executed], [reads, writes]);
});

test('a binding call that the engine refuses rejects, and the log states the reason', async (t) => {
  const source = `export default async (_, env) => {
    const tries = [env.DB.prepare('SELECT 1').all(), env.DB.prepare('DROP x').run(), env.publish('t', 1), env.enqueue('f'), env.STORAGE.put('x'), env.publish('t', () => {})];
    return (await Promise.allSettled(tries)).map((result) => result.status + ' ' + result.reason?.name);
  };`;
  const outcome = await run(source, '');
  t.deepEqual(JSON.parse(outcome.output), [...Array(5).fill('rejected Error'), 'rejected TypeError']);
  t.true(outcome.log.includes('error: db_query failed: not part of this test'));
});

/** Returns host functions for `fetch` that respond to each request `ms` after its start. */
function fetchHost(
  answer: (url: string, ...rest: [string, string, Uint8Array]) => [ms: number, reply: object],
) {
  const ended: string[] = [];
  let handle = 0;
  let inFlight = 0;
  let most = 0;
  return {
    most: () => most,
    host: {
      async http_start(method: string, url: string, headers: string, body: Uint8Array) {
        const [ms, reply] = answer(url, method, headers, body);
        const id = ++handle;
        most = Math.max(most, ++inFlight);
        setTimeout(() => {
          inFlight--;
          ended.push(JSON.stringify({ handle: id, ...reply }));
        }, ms);
        return id;
      },
      async http_next(timeoutMs: number) {
        const until = Date.now() + timeoutMs;
        while (ended.length === 0 && inFlight > 0 && Date.now() < until) await sleep(1);
        return ended.shift() ?? null;
      },
    },
  };
}

test('fetch sends method, headers and body of a request and returns the response', async (t) => {
  const source = `export default async () => {
    const response = await fetch('http://host/path?q=ä', { method: 'POST', headers: { 'X-A': '1' }, body: JSON.stringify({ b: 2 }) });
    const binary = await fetch(new Request('http://host/binary'));
    const failed = await fetch('http://host/refused').catch((error) => [error.name, error.message, error.cause.message]);
    return [response.status, response.ok, response.url, response.headers.get('content-type'), response.headers.getSetCookie(), await response.json(), [...await binary.bytes()], failed];
  };`;
  const { host } = fetchHost((url, method, headers, body) => {
    if (url.endsWith('/refused')) return [0, { error: 'no such host', status: 0 }];
    if (url.endsWith('/binary')) return [0, { status: 200, headers: {}, body: '', body_base64: '/wA=' }];
    const got = { method, url, headers: JSON.parse(headers), body: new TextDecoder().decode(body) };
    const replied = { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] };
    return [0, { status: 201, headers: replied, body: JSON.stringify(got) }];
  });
  const outcome = await run(source, '', { host });
  t.is(outcome.error, null, outcome.log.join('\n'));
  const sent = {
    method: 'POST',
    url: 'http://host/path?q=%C3%A4',
    headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': '1' },
    body: '{"b":2}',
  };
  t.deepEqual(JSON.parse(outcome.output), [
    ...[201, true, sent.url, 'application/json', ['a=1', 'b=2'], sent, [255, 0]],
    ['TypeError', 'fetch failed', 'no such host'],
  ]);
});

test('up to 64 fetches run concurrently, and Promise.race returns the first to complete', async (t) => {
  const source = `export default async () => {
    const urls = Array.from({ length: 100 }, (_, at) => 'http://host/' + (100 - at));
    const order = [];
    await Promise.all(urls.map((url) => fetch(url).then((response) => order.push(response.status))));
    const race = await Promise.race([fetch('http://host/500'), fetch('http://host/1')]);
    const late = await Promise.race([fetch('http://host/500'), new Promise((resolve) => setTimeout(resolve, 5, 'timer'))]);
    const aborted = await fetch('http://host/500', { signal: AbortSignal.timeout(5) }).catch((error) => error.name);
    return [order.length, race.status, late, aborted];
  };`;
  // The number in the path determines the delay of the response and its status.
  const { host, most } = fetchHost((url) => {
    const number = Number(new URL(url).pathname.slice(1));
    return [number * 10, { status: 200 + (number % 300), headers: {}, body: '' }];
  });
  const outcome = await run(source, '', { host });
  t.is(outcome.error, null, outcome.log.join('\n'));
  const [count, race, late, aborted] = JSON.parse(outcome.output);
  t.is(count, 100);
  t.deepEqual([race, late, aborted], [201, 'timer', 'TimeoutError']);
  t.is(most(), 64);
});

test('a fetch that the host refuses rejects, and the log states the reason', async (t) => {
  const outcome = await run(
    'export default () => fetch("http://127.0.0.1/").catch((error) => error.cause.message);',
    '',
  );
  t.is(outcome.output, '"it was refused; the log says why"');
  t.true(outcome.log.includes('error: http_start failed: not part of this test'));
});

test('an HTTP function receives the request and sets status and headers of its reply', async (t) => {
  const source = `export default { async fetch(request, env, ctx) {
    const body = { method: request.method, url: request.url, type: request.headers.get('content-type'), body: await request.text(), id: ctx.http.params.id };
    const headers = new Headers({ 'X-B': '1' }); headers.append('Set-Cookie', 'a=1'); headers.append('Set-Cookie', 'b=2');
    return Response.json(body, { status: 418, headers });
  } };`;
  const httpRequest = (method: string) =>
    JSON.stringify({
      method,
      url: 'http://fn.example/space/users/7?x=1',
      path: '/space/users/7',
      query: { x: ['1'] },
      params: { id: '7' },
      headers: { 'content-type': 'text/plain' },
      remote_address: '127.0.0.1',
      namespace: 'space',
      route: 'POST /users/{id}',
    });
  const post = await run(source, 'sent', { httpRequest: httpRequest('POST') });
  const seen = { url: 'http://fn.example/space/users/7?x=1', type: 'text/plain', id: '7' };
  t.deepEqual(JSON.parse(post.output), { method: 'POST', body: 'sent', ...seen });
  t.deepEqual(JSON.parse(post.response ?? ''), {
    status: 418,
    headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'], 'x-b': '1' },
  });
  const get = await run(source, '', { httpRequest: httpRequest('GET') });
  t.deepEqual(JSON.parse(get.output), { method: 'GET', body: '', ...seen });
});

test('module state is new and random values differ in each invocation', async (t) => {
  const wasm =
    await buildJavaScript(`let count = 0; const kept: number[] = []; Object.assign(Array.prototype, {});
    export default async () => { kept.push(1); (globalThis as any).leak = ((globalThis as any).leak ?? 0) + 1;
      return { count: ++count, kept: kept.length, leak: (globalThis as any).leak, random: [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(1))[0], Date.now()] }; };`);
  const seen: { random: unknown[] }[] = [];
  for (let index = 0; index < 5; index++) {
    const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
    const { random, ...rest } = JSON.parse(outcome.output);
    t.deepEqual(rest, { count: 1, kept: 1, leak: 1 });
    seen.push({ random });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const at of [0, 1, 2, 3]) t.is(new Set(seen.map(({ random }) => random[at])).size, 5);
});

for (const [what, code] of Object.entries({
  'Math.random()': 'Math.random()',
  'crypto.randomUUID()': 'crypto.randomUUID()',
  'crypto.getRandomValues()': 'crypto.getRandomValues(new Uint32Array(2)).join()',
  'Date.now()': 'Date.now()',
  'a generated HMAC key':
    'await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]).then((key) => crypto.subtle.exportKey("raw", key)).then((raw) => new Uint8Array(raw).join())',
})) {
  test(`${what} at the top level differs in each invocation`, async (t) => {
    const wasm = await buildJavaScript(`const value = ${code};\nexport default () => value;`);
    const { warmStart } = await engine.inspect(wasm, {
      cid: what,
      name: functionNameSchema.parse('tested'),
      memoryLimitMb: 64,
    });
    t.is(warmStart, 'fresh');
    const values = new Set<string>();
    for (let index = 0; index < 3; index++) {
      values.add((await runText(engine, wasm, '', { warmStart })).output);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    t.is(values.size, 3);
  });
}

test('console methods write formatted lines to the log with their level', async (t) => {
  const source = `export default () => {
    console.log('text', 1, { a: [1, 'x'], n: null }); console.debug('%s has %d', 'Ada', 2, 'more'); console.warn(new Map([['k', new Set([1])]]));
    console.error(new RangeError('bad')); console.group('in'); console.info('side'); console.groupEnd(); console.assert(1 === 2, 'odd');
    const loop = { name: 'x' }; loop.self = loop; console.log(loop, [undefined, -0, 5n, Symbol('s'), () => {}], new Uint8Array(2), 'x'.repeat(3));
  };`;
  const { log } = await run(source, '');
  t.deepEqual(log, [
    "info: text 1 { a: [ 1, 'x' ], n: null }",
    'debug: Ada has 2 more',
    "warn: Map(1) { 'k' => Set(1) { 1 } }",
    'error: RangeError: bad\n    at index_default (index.ts:3)',
    'info: in',
    'info:   side',
    'error: Assertion failed: odd',
    "info: { name: 'x', self: [Circular] } [ undefined, -0, 5n, Symbol(s), [Function (anonymous)] ] Uint8Array(2) [ 0, 0 ] xxx",
  ]);
});
