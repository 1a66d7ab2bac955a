import test from 'ava';
import type { HostCalls } from '../../src/contract/host-functions.js';
import type { RequestId } from '../../src/contract/ids.js';
import { MAX_HOST_TEXT, MAX_SQL_ARGS } from '../../src/contract/limits.js';
import { openEngine } from '../../workers/engine/engine.js';
import { dispatchHostCall } from '../../workers/engine/host-dispatch.js';
import { inspectSettings, runText } from '../helpers/engine.js';
import { guest, missingCompiler } from '../helpers/guests.js';
import { notRun } from '../helpers/not-run.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());
const run = async (input: string, host: Partial<HostCalls> = {}, options = {}) =>
  runText(engine, await guest('kitchen.c'), input, { host, ...options });
const bytes = (text: string) => new TextEncoder().encode(text);

test('host call texts over the limit are refused before the call; SQL and its arguments may be longer', async (t) => {
  const calls: string[] = [];
  const call = async (name: string) => {
    calls.push(name);
    return null;
  };
  const long = 'x'.repeat(MAX_HOST_TEXT + 1);
  const { signal } = new AbortController();
  for (const [name, ...values] of [
    ['get_secret', long],
    ['cache_get', long],
    ['cache_set', long, '', 0n],
    ['http_fetch', 'GET', 'https://example.com/', long, ''],
    ['pubsub_publish', long, ''],
    ['storage_get', long],
    ['enqueue', long, '', 0n],
    ['db_query', 'select 1', 'x'.repeat(MAX_SQL_ARGS + 1)],
  ] as const) {
    const reply = await dispatchHostCall(call, name, values, signal);
    t.false(reply.ok, name);
    t.regex(reply.ok ? '' : reply.reason, /characters; at most \d+ are allowed/, name);
  }
  t.deepEqual(calls, []);
  for (const args of [
    [long, '[]'],
    ['select 1', long],
    ['select 1', long],
  ] as const) {
    t.true((await dispatchHostCall(call, 'db_query', args, signal)).ok);
  }
});

for (const source of ['host.c', 'host.rs', 'host.go', 'host.as.ts']) {
  const missing = missingCompiler(source);
  if (missing !== null) {
    notRun(`${missing}: not found, host functions from ${source} not run`);
    continue;
  }
  test(`all host functions work in packed and _into form from ${source}`, async (t) => {
    const seen: unknown[] = [];
    const noted =
      <A extends unknown[], R>(name: string, result: R) =>
      (...args: A) => {
        const shown = args.filter((arg) => !(arg instanceof AbortSignal));
        seen.push([
          name,
          ...shown.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg).toString() : arg)),
        ]);
        return Promise.resolve(result);
      };
    const wasm = await guest(source);
    const { warmStart } = await engine.inspect(wasm, inspectSettings(wasm));
    const outcome = await runText(engine, wasm, '', {
      warmStart,
      requestId: '01890000-0000-7000-8000-000000000001' as RequestId,
      callerWallet: '0xWALLET',
      env: { COLOUR: 'rød' },
      host: {
        get_secret: noted('get_secret', 'hemmelig'),
        db_query: noted('db_query', '[{"a":1}]'),
        db_execute: noted('db_execute', 3),
        cache_get: noted('cache_get', bytes('cached')),
        cache_set: noted('cache_set', undefined),
        cache_incr: noted('cache_incr', -6_000_000_000n),
        cache_incr_by: noted('cache_incr_by', -6_000_000_000n),
        cache_delete: noted('cache_delete', true),
        http_fetch: noted('http_fetch', '{"status":200}'),
        pubsub_publish: noted('pubsub_publish', 1),
        storage_put: noted('storage_put', 'bafy'),
        storage_get: noted('storage_get', bytes('blob')),
        enqueue: noted('enqueue', 'later-id'),
      },
    });
    t.is(outcome.error, null);
    const both = (name: string, value: string) => [
      `${name} ${value}`,
      `${name}_into ${bytes(value).length} ${value}`,
    ];
    t.deepEqual(outcome.output.trim().split('\n'), [
      ...both('get_caller_wallet', '0xWALLET'),
      ...both('get_request_id', '01890000-0000-7000-8000-000000000001'),
      ...both('get_env', 'rød'),
      'get_env ',
      'get_env_into -1 ',
      ...both('get_secret', 'hemmelig'),
      ...both('db_query', '[{"a":1}]'),
      'db_execute 3',
      ...both('cache_get', 'cached'),
      'cache_incr -6000000000',
      'cache_incr_by -6000000000',
      'cache_delete 1',
      ...both('http_fetch', '{"status":200}'),
      'pubsub_publish 1',
      ...both('storage_put', 'bafy'),
      ...both('storage_get', 'blob'),
      ...both('enqueue', 'later-id'),
    ]);
    const twice = (...call: unknown[]) => [call, call];
    t.deepEqual(seen, [
      ...twice('get_secret', 'token'),
      ...twice('db_query', 'SELECT 1', '[1]'),
      ['db_execute', 'DELETE FROM t', '[]'],
      ...twice('cache_get', 'key'),
      ['cache_set', 'key', 'value', 60],
      ['cache_incr', 'n'],
      ['cache_incr_by', 'n', -5_000_000_000n],
      ['cache_delete', 'key'],
      ...twice('http_fetch', 'POST', 'http://example.test/', '{"a":"b"}', 'body'),
      ['pubsub_publish', 'news', '{"n":1}'],
      ...twice('storage_put', 'blob'),
      ...twice('storage_get', 'cid'),
      ...twice('enqueue', 'later', '{}', 7),
    ]);
    t.deepEqual(outcome.log, ['debug: d', 'info: i', 'warn: w', 'error: e']);
  });
}

test('failed host calls return their failure values and log their reasons in order', async (t) => {
  const failing = (reason: string) => () => Promise.reject(new Error(reason));
  const outcome = await run(
    'info first\nquery SELECT\nexecute DROP\nget k\nincr k\npublish t {}\nput x\nenqueue f {}\ndelete k\nset-ttl -1\ninfo last',
    {
      db_query: failing('no such table'),
      db_execute: failing('locked'),
      cache_get: failing('cache is away'),
      cache_incr: failing('not a number'),
      pubsub_publish: failing('queue is full'),
      storage_put: failing('disk is full'),
      enqueue: failing('no such function'),
      cache_delete: failing('cache is away'),
      cache_set: () => Promise.resolve(),
    },
  );
  t.is(outcome.status, 'success');
  t.is(outcome.output, '\n-1\n\n0\n0\n\n\n0\n');
  t.deepEqual(outcome.log, [
    'info: first',
    'error: db_query failed: no such table',
    'error: db_execute failed: locked',
    'error: cache_get failed: cache is away',
    'error: cache_incr failed: not a number',
    'error: pubsub_publish failed: queue is full',
    'error: storage_put failed: disk is full',
    'error: enqueue failed: no such function',
    'error: cache_delete failed: cache is away',
    'error: cache_set failed: ttl is -1 seconds; it must be from 0 to 315360000',
    'info: last',
  ]);
});

test('a request that http_fetch could not send is logged with its reason; a response is not, whatever it contains', async (t) => {
  const fetched = (reply: object) =>
    run('fetch http://x/', { http_fetch: async () => JSON.stringify(reply) });
  const failed = await fetched({ error: '10.0.0.1 may not be reached', status: 0 });
  t.is(failed.status, 'success');
  t.is(failed.output, '{"error":"10.0.0.1 may not be reached","status":0}\n');
  t.deepEqual(failed.log, ['error: http_fetch failed: 10.0.0.1 may not be reached']);
  const answered = await fetched({ status: 500, headers: {}, body: '{"error":"no"}' });
  t.deepEqual(answered.log, []);
});

test('a note returned by pubsub_publish is logged as a warning', async (t) => {
  const outcome = await run('publish t {}', {
    pubsub_publish: () => Promise.resolve({ value: 1, note: 'depth 5 reached' }),
  });
  t.is(outcome.output, '1\n');
  t.deepEqual(outcome.log, ['warn: depth 5 reached']);
});

test('a result too large for an _into buffer is kept for the repeated call, without a second host call', async (t) => {
  let calls = 0;
  const cacheGet = () => {
    calls++;
    return Promise.resolve(bytes(`value ${calls} that is longer`));
  };
  t.is((await run('get-into k', { cache_get: cacheGet })).output, '22 22 value 1 that is longer\n');
  t.is(calls, 1);
});

test('a different host call in between discards a kept result that was only read', async (t) => {
  const keys: string[] = [];
  await run('get-into-between k', {
    cache_get: (key) => {
      keys.push(key);
      return Promise.resolve(bytes('long enough'));
    },
  });
  t.deepEqual(keys, ['k', 'other', 'k']);
});

test('a kept result of a call with an effect outlasts other calls, and the effect happens once', async (t) => {
  const names: string[] = [];
  const enqueue = (name: string) => {
    names.push(name);
    return Promise.resolve(`request ${names.length}` as RequestId);
  };
  const outcome = await run('enqueue-into-between work', { enqueue });
  t.deepEqual(names, ['work', 'other', 'work']);
  t.is(outcome.output, 'request 1\nrequest 3\n');
});

test('the same call with a buffer that is again too small is a new call after others', async (t) => {
  let enqueued = 0;
  const enqueue = () => Promise.resolve(`request ${++enqueued}` as RequestId);
  await run('enqueue-unread work', { enqueue });
  t.is(enqueued, 3);
});

test('host call results of 8 MB arrive complete, and larger results fail', async (t) => {
  const size = 8 << 20;
  const cacheGet = (key: string) => Promise.resolve(new Uint8Array(key === 'fits' ? size : size + 1));
  const outcome = await run('get-length fits\nget-length large', { cache_get: cacheGet });
  t.is(outcome.output, `${size}\n0\n`);
  t.deepEqual(outcome.log, [
    'error: cache_get failed: its result has 8388609 bytes; at most 8388608 (8 MB) are allowed',
  ]);
});

test('host calls beyond 10,000 per invocation fail and are logged', async (t) => {
  let calls = 0;
  const outcome = await run('many-gets 10003', {
    cache_get: () => {
      calls++;
      return Promise.resolve(bytes('x'));
    },
  });
  t.is(calls, 10_000);
  t.is(outcome.output, '3 misses\n');
  t.is(outcome.log.length, 3);
  t.is(outcome.log[0], 'error: cache_get failed: an invocation may make 10000 host calls');
});

test('host call results beyond 64 MB per invocation fail and are logged', async (t) => {
  const cacheGet = () => Promise.resolve(new Uint8Array(8 << 20));
  const outcome = await run('get-length k\n'.repeat(9), { cache_get: cacheGet }, { memoryLimitMb: 256 });
  t.is(outcome.output, `${8 << 20}\n`.repeat(7).concat('0\n0\n'));
  t.is(outcome.log[0], 'error: cache_get failed: an invocation may move 64 MB through host calls');
});

test('http_fetch is aborted when its guest times out', async (t) => {
  let aborted: Promise<unknown> | null = null;
  const outcome = await run(
    'fetch http://x',
    {
      http_fetch: (_method, _url, _headers, _body, signal) => {
        aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
        return new Promise(() => {});
      },
    },
    // Long enough for a busy machine to begin the guest.
    { timeoutMs: 3000 },
  );
  t.is(outcome.status, 'timeout');
  t.is(outcome.error, 'timed out after 3 s (waiting in http_fetch)');
  await aborted;
});

test('get_env does not return properties of Object.prototype', async (t) => {
  t.is((await run('env toString\nenv __proto__\nenv-into constructor')).output, '\n\n-1 \n');
});

test('host call arguments beyond 64 MB per invocation fail, and arguments within 64 MB arrive', async (t) => {
  const heavy = async (input: string) =>
    runText(engine, await guest('heavy.c'), input, {
      memoryLimitMb: 256,
      host: { db_execute: (sql) => Promise.resolve(sql.length) },
    });
  t.is((await heavy('63 1')).output, `${63 << 19}\n`);
  const over = await heavy('30 3');
  t.is(over.output, `${30 << 19}\n${30 << 19}\n-1\n`);
  t.is(over.log[0], 'error: db_execute failed: an invocation may move 64 MB through host calls');
});
