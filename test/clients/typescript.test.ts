import test from 'ava';
import { FunctionError, jsonText, OramaError } from '../../clients/typescript/src/index.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';
import { client, started } from './typescript-client.js';

const TRAP = '(module (memory (export "memory") 1) (func (export "_start") unreachable))';
const BEYOND = '9007199254740993';

test('invoke returns the output as bytes, text and JSON, with request id, attempts and version', async (t) => {
  const orama = await client();
  const result = await orama.invoke('hello', { name: 'Ada' });
  t.deepEqual(result.json(), { name: 'Ada' });
  t.is(result.text(), '{"name":"Ada"}');
  t.like(result, { attempts: 1, version: 1 });
  t.regex(result.requestId, /^[0-9a-f-]{36}$/);
  const bytes = Uint8Array.of(0, 255, 128);
  sameBytes(t, (await orama.invoke('hello@1', bytes)).bytes, bytes);
  t.is((await orama.invoke('hello')).text(), '');
});

test('a name that a URL would resolve away is refused before anything is sent', async (t) => {
  const orama = await client();
  for (const name of ['', '.', '..']) {
    const refused = await t.throwsAsync(orama.invoke(name), { instanceOf: OramaError });
    t.like(refused, { code: 'invalid_request', status: 0 }, name);
    await t.throwsAsync(orama.deadLetters.purge(name), { code: 'invalid_request' });
    await t.throwsAsync(orama.invocations.cancel(name), { code: 'invalid_request' });
  }
});

test('integers beyond 2^53 are returned exactly as text, and as JSON with a custom parser', async (t) => {
  const exact = await client({ parseJson: (text) => BigInt(text) });
  const result = await exact.invoke('hello', jsonText(BEYOND));
  t.is(result.text(), BEYOND);
  t.is(result.json(), 9007199254740993n);
  t.throws(() => jsonText('{'), { instanceOf: SyntaxError });
});

test('a failing function throws a FunctionError with its output, and a refused call an OramaError', async (t) => {
  const orama = await client();
  const refused = await t.throwsAsync(orama.invoke('hello', '!bad'), { instanceOf: FunctionError });
  t.like(refused, { code: 'function_refused', status: 422 });
  t.is(new TextDecoder().decode(refused?.output), '!bad');
  t.regex(refused?.requestId ?? '', /^[0-9a-f-]{36}$/);
  const failed = await t.throwsAsync(orama.invoke('hello', '?'), { instanceOf: FunctionError });
  t.like(failed, { code: 'function_error', status: 500 });
  const missing = await t.throwsAsync(orama.invoke('nothing'), { instanceOf: OramaError });
  t.like(missing, { code: 'function_not_found', status: 404 });
  t.false(missing instanceof FunctionError);
  const stranger = await client({ apiKey: 'ak_wrong:default' });
  t.like(await t.throwsAsync(stranger.invoke('hello')), { code: 'unauthorized', status: 401 });
});

test('a repeated idempotency key returns the same invocation, and another input is refused', async (t) => {
  const orama = await client();
  const first = await orama.invoke('hello', 'once', { idempotencyKey: 'ts-1' });
  const second = await orama.invoke('hello', 'once', { idempotencyKey: 'ts-1' });
  t.is(second.requestId, first.requestId);
  const other = await t.throwsAsync(orama.invoke('hello', 'twice', { idempotencyKey: 'ts-1' }));
  t.like(other, { code: 'idempotency_mismatch' });
});

test('an async invocation can be awaited, cancelled, listed and replayed', async (t) => {
  const orama = await client();
  const { requestId, wait } = await orama.invokeAsync('hello', 'later');
  t.like(await wait({ timeoutMs: 20_000 }), { state: 'success', output: 'later', request_id: requestId });

  const delayed = await orama.invokeAsync('hello', 'never', { delaySeconds: 600 });
  const early = await t.throwsAsync(delayed.wait({ timeoutMs: 10 }), { instanceOf: OramaError });
  t.is(early?.requestId, delayed.requestId);
  await orama.invocations.cancel(delayed.requestId);
  t.like(await delayed.wait(), { state: 'cancelled' });
  t.like(await t.throwsAsync(orama.invocations.cancel(delayed.requestId)), { code: 'conflict', status: 409 });

  const again = await orama.invocations.replay(delayed.requestId, { input: new TextEncoder().encode('now') });
  t.like(await orama.invocations.wait(again), {
    state: 'success',
    output: 'now',
    parent_id: delayed.requestId,
  });
  const listed: string[] = [];
  // A page size of one, so that it requests several pages.
  for await (const one of orama.invocations.list({ function: 'hello', status: 'success', pageSize: 1 })) {
    listed.push(one.request_id);
    if (listed.includes(requestId)) break;
  }
  t.true(listed.includes(again));
});

test('invoke polls for a result that takes longer than waitSeconds', async (t) => {
  const orama = await client();
  const result = await orama.invoke('hello', 'asked for', { waitSeconds: 0 });
  t.is(result.text(), 'asked for');
  t.is(result.version, 1);
  const failed = await t.throwsAsync(orama.invoke('hello', '!', { waitSeconds: 0 }), {
    instanceOf: OramaError,
  });
  t.is(failed?.code, 'function_refused');
  t.true(failed instanceof FunctionError);
});

test('dead letters are listed, replayed and purged', async (t) => {
  const orama = await client();
  const { engine } = await started();
  await engine.api.deploy('dying', await assemble(TRAP));
  const { requestId, wait } = await orama.invokeAsync('dying', 'x');
  t.like(await wait(), { state: 'dead' });
  const dead: string[] = [];
  for await (const one of orama.deadLetters.list({ function: 'dying' })) dead.push(one.request_id);
  t.deepEqual(dead, [requestId]);
  t.is(await orama.deadLetters.replayAll('dying', { newest: true }), 1);
  await until('the second death', async () => {
    for await (const one of orama.deadLetters.list({ function: 'dying' })) return one.parent_id === requestId;
    return false;
  });
  t.is(await orama.deadLetters.purge('dying'), 1);
});
