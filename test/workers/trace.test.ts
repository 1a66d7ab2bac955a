import test from 'ava';
import { pino } from 'pino';
import type {
  EngineFunctionName,
  HostArgs,
  HostCalls,
  HostResult,
} from '../../src/contract/host-functions.js';
import { requestIdSchema } from '../../src/contract/ids.js';
import { MAX_TRACED_CALLS, type Trace, traceSchema } from '../../src/contract/trace.js';
import { AppError } from '../../src/errors.js';
import type { HostCaller } from '../../src/ports/engine.js';
import type { StoredTrace, TraceStore } from '../../src/ports/store/traces.js';
import { uuidv7 } from '../../src/uuid.js';
import { keepTrace } from '../../workers/delivery/keep-trace.js';
import { replayedHost } from '../../workers/delivery/replayed-host.js';
import { recordedHost, TraceRecorder } from '../../workers/delivery/trace-recorder.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { hostCalls } from '../helpers/engine.js';

const NONE = new Uint8Array();
const never = new AbortController().signal;

/** Calls a host function by name. */
type Ask = <Name extends EngineFunctionName>(name: Name, ...args: HostArgs<Name>) => Promise<HostResult>;

const askerOf =
  (host: HostCaller): Ask =>
  (name, ...args) =>
    host(name, args, never);

/** Returns the trace of the host calls made by `use`, with the given results. */
async function record(given: Partial<HostCalls>, use: (ask: Ask) => Promise<unknown>): Promise<Trace> {
  const recorder = new TraceRecorder();
  await use(askerOf(recordedHost(hostCalls(given), recorder)));
  // Serialize and parse it like the store and the API do.
  const trace = { request_id: requestIdSchema.parse(uuidv7()), attempt: 1, ...recorder.finish() };
  return traceSchema.parse(JSON.parse(JSON.stringify(trace)));
}

/** Returns the result in the form in which a guest receives it. */
function given(result: HostResult): HostResult {
  if (typeof result === 'boolean') return Number(result);
  if (result instanceof Uint8Array) return Uint8Array.from(result);
  return typeof result === 'object' && result !== null ? result.value : result;
}

test('a replay returns the recorded result of every host function', async (t) => {
  const id = requestIdSchema.parse(uuidv7());
  const all = async (ask: Ask) => {
    const results = [
      await ask('get_secret', 'MISSING'),
      await ask('db_query', 'select ?', '[1]'),
      await ask('db_execute', 'delete from t', ''),
      await ask('cache_get', 'k'),
      await ask('cache_get', 'none'),
      await ask('cache_set', 'k', Uint8Array.of(1), 5),
      await ask('cache_incr', 'n'),
      await ask('cache_incr_by', 'n', 2n),
      await ask('cache_delete', 'k'),
      await ask('http_fetch', 'GET', 'https://a/', '{}', NONE),
      await ask('http_start', 'GET', 'https://b/', '', NONE),
      await ask('http_next', 10),
      await ask('http_next', 20),
      await ask('pubsub_publish', 't', NONE),
      await ask('storage_put', Uint8Array.of(1)),
      await ask('storage_get', 'cid'),
      await ask('enqueue', 'f', NONE, 0),
    ];
    return results.map(given);
  };
  const nexts = ['{"handle":3}', null];
  const answers: HostCalls = {
    get_secret: async () => null,
    db_query: async () => '[{"n":9007199254740993}]',
    db_execute: async () => 3,
    cache_get: async (key) => (key === 'k' ? Uint8Array.of(0, 255) : null),
    cache_set: async () => {},
    cache_incr: async () => 9007199254740993n,
    cache_incr_by: async () => -1n,
    cache_delete: async () => true,
    http_fetch: async () => '{"status":200}',
    http_start: async () => 3,
    http_next: async () => nexts.shift() ?? null,
    pubsub_publish: async () => ({ value: 1, note: 'fired nothing' }),
    storage_put: async () => 'cid',
    storage_get: async () => Uint8Array.of(7),
    enqueue: async () => id,
  };
  let first: HostResult[] = [];
  const trace = await record(answers, async (ask) => {
    first = await all(ask);
  });
  t.is(trace.calls.length, first.length);
  t.deepEqual(await all(askerOf(replayedHost(trace))), first);
});

test('a host call that failed fails with the same error on replay', async (t) => {
  const failing = async () => {
    throw new AppError('invalid_sql', 'no such table: t');
  };
  const trace = await record({ db_query: failing }, (ask) =>
    ask('db_query', 'select 1 from t', '').catch(() => null),
  );
  const error = await t.throwsAsync(askerOf(replayedHost(trace))('db_query', 'select 1 from t', ''), {
    instanceOf: AppError,
  });
  t.like(error, { code: 'invalid_sql', message: 'no such table: t' });
});

test('a trace contains no value of a secret, used before or after it was read', async (t) => {
  const secret = 'hunter2-and-more';
  const trace = await record(
    {
      http_fetch: async () => JSON.stringify({ body: secret }),
      get_secret: async () => secret,
      db_query: async () => '[]',
    },
    async (ask) => {
      await ask('http_fetch', 'GET', `https://a/?token=${secret}`, `{"authorization":"${secret}"}`, NONE);
      t.is(await ask('get_secret', 'TOKEN'), secret);
      await ask('db_query', `select '${secret}'`, JSON.stringify([secret]));
    },
  );
  t.false(JSON.stringify(trace).includes(secret));
  t.is(trace.calls[0]?.about, 'GET https://a/?token=«secret TOKEN»');
  t.deepEqual(trace.calls[1]?.result, { kind: 'text', text: '«secret TOKEN»' });

  // A replay reads the placeholder and passes it on in the same calls.
  const ask = askerOf(replayedHost(trace));
  const read = String(await ask('get_secret', 'TOKEN'));
  t.is(await ask('db_query', `select '${read}'`, JSON.stringify([read])), '[]');
});

test('digests in a trace are equal only for equal arguments and do not contain the arguments', async (t) => {
  const trace = await record({ cache_set: async () => {} }, async (ask) => {
    await ask('cache_set', 'k', Buffer.from('body'), 0);
    await ask('cache_set', 'k', Buffer.from('body'), 0);
    await ask('cache_set', 'k', Buffer.from('other'), 0);
  });
  const [a, b, c] = trace.calls.map(({ digest }) => digest);
  t.is(a, b);
  t.not(a, c);
  t.false(JSON.stringify(trace).includes('body'));
});

test('a replay matches calls with the same statement by their arguments, in any order', async (t) => {
  const trace = await record({ db_query: async (_sql, args) => `[${args}]` }, async (ask) => {
    await ask('db_query', 'select ?', '[1]');
    await ask('db_query', 'select ?', '[2]');
  });
  const ask = askerOf(replayedHost(trace));
  t.is(await ask('db_query', 'select ?', '[2]'), '[[2]]');
  // With slightly different arguments it gets the remaining result of the same statement.
  t.is(await ask('db_query', 'select ?', '[3]'), '[[1]]');
  const error = await t.throwsAsync(ask('db_query', 'select ?', '[1]'), { instanceOf: AppError });
  t.regex(error?.message ?? '', /db_query: the trace has no further call for "select \?"/);
});

test('calls beyond the trace limit run unrecorded, and the trace is marked as truncated', async (t) => {
  let ran = 0;
  const cacheDelete = async () => {
    ran += 1;
    return true;
  };
  const trace = await record({ cache_delete: cacheDelete }, async (ask) => {
    for (let n = 0; n < MAX_TRACED_CALLS + 5; n += 1) await ask('cache_delete', 'k');
  });
  t.is(ran, MAX_TRACED_CALLS + 5);
  t.is(trace.calls.length, MAX_TRACED_CALLS);
  t.true(trace.truncated);
});

test('a trace is truncated at 1 MB, and further calls still run', async (t) => {
  const big = 'x'.repeat(300_000);
  const trace = await record({ db_query: async () => big }, async (ask) => {
    for (let n = 0; n < 10; n += 1) t.is(await ask('db_query', `select ${n}`, ''), big);
  });
  t.is(trace.calls.length, 3);
  t.true(trace.truncated);
});

test('a trace of secrets that name one another is short, and a trace that placeholders enlarge is truncated', async (t) => {
  const secrets: Record<string, string> = { [`b${'b'.repeat(60)}`]: 'aaaa' };
  secrets['c'.repeat(60)] = 'bbbb';
  secrets['d'.repeat(60)] = 'cccc';
  const trace = await record(
    {
      get_secret: async (name) => secrets[name] ?? null,
      cache_get: async () => Buffer.from('aaaa '.repeat(12_000)),
    },
    async (ask) => {
      for (const name of Object.keys(secrets)) await ask('get_secret', name);
      for (let n = 0; n < 10; n += 1) await ask('cache_get', 'k');
    },
  );
  t.true(trace.truncated);
  t.is(trace.calls.length, 3);
  t.deepEqual(trace.calls[0]?.result, { kind: 'text', text: `«secret ${'b'.repeat(61)}»` });
});

test('a trace contains no call, and says that it is truncated, when its secrets are too large to search for', async (t) => {
  const trace = await record(
    { get_secret: async () => 'x'.repeat(60_000), db_query: async () => '[]' },
    async (ask) => {
      await ask('db_query', 'select 1', '');
      await ask('get_secret', 'LARGE');
    },
  );
  t.deepEqual(trace.calls, []);
  t.true(trace.truncated);
});

test('the value of a short secret is hidden where it is read', async (t) => {
  const trace = await record({ get_secret: async () => '123' }, (ask) => ask('get_secret', 'PIN'));
  t.deepEqual(trace.calls[0]?.result, { kind: 'text', text: '«secret PIN»' });
});

test('a trace that cannot be written is dropped with a warning, and the run of its invocation counts', async (t) => {
  class Failing extends TraceRecorder {
    override finish(): never {
      throw new RangeError('Invalid string length');
    }
  }
  const stored: StoredTrace[] = [];
  const lines: string[] = [];
  const traces: TraceStore = {
    put: async (trace) => void stored.push(trace),
    get: async () => null,
    sweep: async () => 0,
  };
  const deps = { store: { traces }, logger: pino({}, { write: (line) => void lines.push(line) }) };
  const invocation = { id: aRequestId(), namespace: aNamespace(), function: aName('traced') };
  await keepTrace(deps, { invocation, attempt: 1 }, new Failing());
  t.deepEqual(stored, []);
  t.regex(lines.join(), /"err":"Invalid string length".*failed to store a trace/);
  await keepTrace(deps, { invocation, attempt: 1 }, new TraceRecorder());
  t.like(stored[0], { function: 'traced', trace: { request_id: invocation.id, calls: [] } });
});
