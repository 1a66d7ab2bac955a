import test from 'ava';
import { requestIdSchema } from '../../src/contract/ids.js';
import { MAX_TRACED_CALLS, type Trace, traceSchema } from '../../src/contract/trace.js';
import { AppError } from '../../src/errors.js';
import type { HostCalls } from '../../src/ports/engine.js';
import { uuidv7 } from '../../src/uuid.js';
import { replayedHost } from '../../workers/delivery/replayed-host.js';
import { recordedHost, TraceRecorder } from '../../workers/delivery/trace-recorder.js';
import { hostCalls } from '../helpers/engine.js';

const NONE = new Uint8Array();
const never = new AbortController().signal;

/** What is recorded while `use` calls host functions that answer as given. */
async function record(given: Partial<HostCalls>, use: (host: HostCalls) => Promise<unknown>): Promise<Trace> {
  const recorder = new TraceRecorder();
  await use(recordedHost(hostCalls(given), recorder));
  // As it goes through the store and the API.
  const trace = { request_id: requestIdSchema.parse(uuidv7()), attempt: 1, ...recorder.finish() };
  return traceSchema.parse(JSON.parse(JSON.stringify(trace)));
}

test('every host function gives on replay what it gave when it was recorded', async (t) => {
  const id = requestIdSchema.parse(uuidv7());
  const all = async (host: HostCalls) => [
    await host.getSecret('MISSING'),
    await host.dbQuery('select ?', '[1]'),
    await host.dbExecute('delete from t', ''),
    await host.cacheGet('k').then((bytes) => bytes && [...bytes]),
    await host.cacheGet('none'),
    await host.cacheSet('k', Uint8Array.of(1), 5),
    await host.cacheIncrement('n', 2n),
    await host.cacheDelete('k'),
    await host.httpFetch('GET', 'https://a/', '{}', NONE, never),
    await host.httpStart('GET', 'https://b/', '', NONE),
    await host.httpNext(10),
    await host.httpNext(10),
    await host.publish('t', NONE),
    await host.storagePut(Uint8Array.of(1)),
    await host.storageGet('cid').then((bytes) => bytes && [...bytes]),
    await host.enqueue('f', NONE, 0),
  ];
  const nexts = ['{"handle":3}', null];
  const given: Partial<HostCalls> = {
    getSecret: async () => null,
    dbQuery: async () => '[{"n":9007199254740993}]',
    dbExecute: async () => 3,
    cacheGet: async (key) => (key === 'k' ? Uint8Array.of(0, 255) : null),
    cacheSet: async () => {},
    cacheIncrement: async () => 9007199254740993n,
    cacheDelete: async () => true,
    httpFetch: async () => '{"status":200}',
    httpStart: async () => 3,
    httpNext: async () => nexts.shift() ?? null,
    publish: async () => ({ note: 'fired nothing' }),
    storagePut: async () => 'cid',
    storageGet: async () => Uint8Array.of(7),
    enqueue: async () => id,
  };
  let first: unknown[] = [];
  const trace = await record(given, async (host) => {
    first = await all(host);
  });
  t.is(trace.calls.length, first.length);
  t.deepEqual(await all(replayedHost(trace)), first);
});

test('a call that failed fails again, with the same sentence', async (t) => {
  const failing = async () => {
    throw new AppError('invalid_sql', 'no such table: t');
  };
  const trace = await record({ dbQuery: failing }, (host) =>
    host.dbQuery('select 1 from t', '').catch(() => null),
  );
  const error = await t.throwsAsync(replayedHost(trace).dbQuery('select 1 from t', ''), {
    instanceOf: AppError,
  });
  t.like(error, { code: 'invalid_sql', message: 'no such table: t' });
});

test('no secret that the function has read is in what is recorded, whichever came first', async (t) => {
  const secret = 'hunter2-and-more';
  const trace = await record(
    {
      httpFetch: async () => JSON.stringify({ body: secret }),
      getSecret: async () => secret,
      dbQuery: async () => '[]',
    },
    async (host) => {
      await host.httpFetch('GET', `https://a/?token=${secret}`, `{"authorization":"${secret}"}`, NONE, never);
      t.is(await host.getSecret('TOKEN'), secret);
      await host.dbQuery(`select '${secret}'`, JSON.stringify([secret]));
    },
  );
  t.false(JSON.stringify(trace).includes(secret));
  t.is(trace.calls[0]?.about, 'GET https://a/?token=«secret TOKEN»');
  t.deepEqual(trace.calls[1]?.result, { kind: 'text', text: '«secret TOKEN»' });

  // Whoever replays it reads the placeholder, and asks with it for the same.
  const host = replayedHost(trace);
  const read = (await host.getSecret('TOKEN')) ?? '';
  t.is(await host.dbQuery(`select '${read}'`, JSON.stringify([read])), '[]');
});

test('a digest does not tell what was sent: only equal arguments have equal ones', async (t) => {
  const trace = await record({ cacheSet: async () => {} }, async (host) => {
    await host.cacheSet('k', Buffer.from('body'), 0);
    await host.cacheSet('k', Buffer.from('body'), 0);
    await host.cacheSet('k', Buffer.from('other'), 0);
  });
  const [a, b, c] = trace.calls.map(({ digest }) => digest);
  t.is(a, b);
  t.not(a, c);
  t.false(JSON.stringify(trace).includes('body'));
});

test('of two calls for the same thing each is given its own, in whatever order they come', async (t) => {
  const trace = await record({ dbQuery: async (_sql, args) => `[${args}]` }, async (host) => {
    await host.dbQuery('select ?', '[1]');
    await host.dbQuery('select ?', '[2]');
  });
  const host = replayedHost(trace);
  t.is(await host.dbQuery('select ?', '[2]'), '[[2]]');
  // Asked a little differently it is given what is left for the same statement.
  t.is(await host.dbQuery('select ?', '[3]'), '[[1]]');
  const error = await t.throwsAsync(host.dbQuery('select ?', '[1]'), { instanceOf: AppError });
  t.regex(error?.message ?? '', /db_query: the trace has no further call for "select \?"/);
});

test('more calls than a trace holds run, and are said to be missing', async (t) => {
  let ran = 0;
  const cacheDelete = async () => {
    ran += 1;
    return true;
  };
  const trace = await record({ cacheDelete }, async (host) => {
    for (let n = 0; n < MAX_TRACED_CALLS + 5; n += 1) await host.cacheDelete('k');
  });
  t.is(ran, MAX_TRACED_CALLS + 5);
  t.is(trace.calls.length, MAX_TRACED_CALLS);
  t.true(trace.truncated);
});

test('a trace is at most a megabyte', async (t) => {
  const big = 'x'.repeat(300_000);
  const trace = await record({ dbQuery: async () => big }, async (host) => {
    for (let n = 0; n < 10; n += 1) t.is((await host.dbQuery(`select ${n}`, '')).length, big.length);
  });
  t.is(trace.calls.length, 3);
  t.true(trace.truncated);
});
