import type { ServerResponse } from 'node:http';
import test from 'ava';
import { createClient, FunctionError, OramaError } from '../../clients/typescript/src/index.js';
import { httpServer } from '../helpers/http-server.js';
import { assemble } from '../helpers/wat.js';
import { client, started } from './typescript-client.js';

const EMPTY = '(module (memory (export "memory") 1) (func (export "_start")))';

/** Sleeps for 2.5 s: WASI preview 1, `subscription` with a relative monotonic clock. */
const SLOW = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 2500000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`;

/** Makes a key of the engine that may invoke and not read. */
async function invokeOnlyKey(): Promise<string> {
  const { engine } = await started();
  const made = await engine.api.post('/v1/auth/keys', { name: 'caller', scopes: ['invoke'] });
  return made.json.api_key;
}

test('a call with an idempotency key is waited for beyond its first answer, also by a key that may not read', async (t) => {
  const orama = await client({ apiKey: await invokeOnlyKey() });
  const result = await orama.invoke('hello', 'later', { idempotencyKey: 'accepted-1', waitSeconds: 0 });
  t.is(result.text(), 'later');
  const refused = await t.throwsAsync(
    orama.invoke('hello', '!bad', { idempotencyKey: 'accepted-2', waitSeconds: 0 }),
    { instanceOf: FunctionError },
  );
  t.like(refused, { code: 'function_refused', accepted: false });
});

test('a call with an idempotency key is waited for beyond its first answer without a credential', async (t) => {
  const { engine, env } = await started();
  await engine.api.deploy('open', await assemble(EMPTY), { is_public: 'true' });
  const orama = createClient({ url: env.ORAMA_URL ?? '' });
  const result = await orama.invoke('open', '', { idempotencyKey: 'accepted-3', waitSeconds: 0 });
  t.like(result, { attempts: 1, version: 1 });
});

test('a call that is accepted and cannot be read is an error with the id of the invocation', async (t) => {
  const orama = await client({ apiKey: await invokeOnlyKey() });
  const error = await t.throwsAsync(orama.invoke('hello', 'kept', { waitSeconds: 0 }), {
    instanceOf: OramaError,
  });
  t.like(error, { code: 'insufficient_scope', status: 403, accepted: true });
  const reader = await client();
  t.is((await reader.invocations.wait(error?.requestId ?? '')).output, 'kept');
});

test('a polled result has the code of a direct answer', async (t) => {
  const orama = await client();
  for (const [input, code] of [
    ['!bad', 'function_refused'],
    ['?', 'function_error'],
  ] as const) {
    const error = await t.throwsAsync(orama.invoke('hello', input, { waitSeconds: 0 }), {
      instanceOf: FunctionError,
    });
    t.is(error?.code, code);
    t.is((await orama.invocations.get(error?.requestId ?? '')).code, code);
  }
});

test('a success whose output is not kept any more is an error and not an empty output', async (t) => {
  const record = { request_id: 'id-1', state: 'success', attempts: [], version: 1, output: null };
  const json = (response: ServerResponse, size: number) =>
    response.end(JSON.stringify({ ...record, output_size: size }));
  for (const size of [5, 0]) {
    const server = await httpServer((request, response) => {
      if (request.method === 'GET') return json(response, size);
      return response.writeHead(202, { 'x-request-id': 'id-1' }).end();
    });
    const invoked = createClient({ url: server.url }).invoke('f');
    if (size === 0) t.is((await invoked).bytes.length, 0);
    else {
      const error = await t.throwsAsync(invoked, { instanceOf: OramaError });
      t.like(error, { code: 'not_found', requestId: 'id-1', accepted: true });
    }
    await server.close();
  }
});

test('a function that takes longer than the timeout of a response is waited for', async (t) => {
  const { engine } = await started();
  await engine.api.deploy('slow', await assemble(SLOW), {});
  const orama = await client({ timeoutMs: 1000, retries: 0 });
  const before = Date.now();
  t.like(await orama.invoke('slow'), { attempts: 1, version: 1 });
  t.like(await orama.invoke('slow', '', { idempotencyKey: 'accepted-4' }), { attempts: 1, version: 1 });
  t.true(Date.now() - before >= 2 * 2500);
});

test('the engine is asked to answer a second before the timeout of a response', async (t) => {
  const waits: unknown[] = [];
  const server = await httpServer((request, response) => {
    waits.push(request.headers.prefer);
    response.writeHead(200, { 'x-request-id': 'r', 'x-function-version': '1' }).end();
  });
  t.teardown(server.close);
  for (const timeoutMs of [undefined, 500, 1000, 2000, 2900, 30_000, 600_000]) {
    await createClient({ url: server.url, ...(timeoutMs === undefined ? {} : { timeoutMs }) }).invoke('f');
  }
  t.deepEqual(
    waits.splice(0),
    [240, 1, 1, 1, 1, 29, 240].map((seconds) => `wait=${seconds}`),
  );
  const orama = createClient({ url: server.url, timeoutMs: 10_000 });
  for (const waitSeconds of [0, 0.5, 3, 60]) await orama.invoke('f', '', { waitSeconds });
  t.deepEqual(
    waits,
    [0, 1, 3, 9].map((seconds) => `wait=${seconds}`),
  );
});
