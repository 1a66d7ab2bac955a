import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { WebSocket } from 'ws';
import {
  type Client,
  type ClientOptions,
  createClient,
  FunctionError,
  jsonText,
  OramaError,
  type SubscriptionEvent,
} from '../../clients/typescript/src/index.js';
import { startClientEngine } from '../helpers/client-engine.js';
import { httpServer } from '../helpers/http-server.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { assemble } from '../helpers/wat.js';

const started = shared(startClientEngine);
const TRAP = '(module (memory (export "memory") 1) (func (export "_start") unreachable))';
const BEYOND = '9007199254740993';

async function client(options: Partial<ClientOptions> = {}): Promise<Client> {
  const { env } = await started();
  return createClient({
    url: env.ORAMA_URL ?? '',
    apiKey: env.ORAMA_API_KEY ?? '',
    webSocket: (url, protocols) => new WebSocket(url, protocols),
    ...options,
  });
}

test('invoke returns the output as bytes, text and JSON, with request id, attempts and version', async (t) => {
  const orama = await client();
  const result = await orama.invoke('hello', { name: 'Ada' });
  t.deepEqual(result.json(), { name: 'Ada' });
  t.is(result.text(), '{"name":"Ada"}');
  t.like(result, { attempts: 1, version: 1 });
  t.regex(result.requestId, /^[0-9a-f-]{36}$/);
  const bytes = Uint8Array.of(0, 255, 128);
  t.deepEqual((await orama.invoke('hello@1', bytes)).bytes, bytes);
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
  t.is(failed?.code, 'function_error');
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

test('published messages fire triggers and reach subscribers, and a lost subscription reconnects', async (t) => {
  const orama = await client();
  const sockets: WebSocket[] = [];
  const { env } = await started();
  const listener = await client({
    webSocket: (url, protocols) => {
      const socket = new WebSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
  t.truthy(env.ORAMA_URL);
  t.deepEqual(await orama.publish('clients:fires', { n: 1 }), { triggered: 1 });
  const subscription = listener.subscribe('clients:heard', { presence: true, memberId: 'ts' });
  const events = subscription[Symbol.asyncIterator]();
  const next = async (): Promise<SubscriptionEvent> => {
    const { value, done } = await events.next();
    if (done) throw new Error('the subscription has ended');
    return value;
  };
  const message = async () => {
    for (;;) {
      const event = await next();
      if (event.type === 'message') return event;
    }
  };
  t.is((await next()).type, 'open');
  await orama.publish('clients:heard', jsonText(BEYOND));
  t.is((await message()).text(), BEYOND);
  await orama.publishBatch([
    { topic: 'clients:heard', data: Uint8Array.of(0, 255) },
    { topic: 'clients:heard', data: { n: 2 } },
  ]);
  t.deepEqual([...(await message()).bytes], [0, 255]);
  t.deepEqual((await message()).json(), { n: 2 });

  sockets[0]?.terminate();
  let event = await next();
  while (event.type !== 'open') event = await next();
  await orama.publish('clients:heard', 'after');
  t.is((await message()).text(), 'after');
  t.is(sockets.length, 2);
  subscription.close();
  t.true((await events.next()).done);
});

test('a subscription that is refused or whose key is revoked ends with an error', async (t) => {
  const stranger = await client({ apiKey: 'ak_wrong:default' });
  const refused = stranger.subscribe('clients:revoked')[Symbol.asyncIterator]();
  t.like(await t.throwsAsync(refused.next()), { code: 'unauthorized' });

  const { engine } = await started();
  const { json: key } = await engine.api.post('/v1/auth/keys', { name: 'short', namespace: 'default' });
  const listener = await client({ apiKey: key.api_key });
  const events = listener.subscribe('clients:revoked')[Symbol.asyncIterator]();
  t.is((await events.next()).value?.type, 'open');
  await engine.api.delete(`/v1/auth/keys/${key.id}`);
  t.like(await t.throwsAsync(events.next()), { code: 'unauthorized' });
});

test('a credential is in no address, neither a key nor a token', async (t) => {
  const { engine } = await started();
  const { json } = await engine.api.post('/v1/auth/token', {});
  const credentials = [{ apiKey: engine.adminKey }, { token: String(json.access_token) }];
  for (const credential of credentials) {
    const opened: { url: string; protocol: string }[] = [];
    const listener = createClient({
      url: engine.url,
      ...credential,
      webSocket: (url, protocols) => {
        const socket = new WebSocket(url, protocols);
        socket.once('open', () => opened.push({ url, protocol: socket.protocol }));
        return socket;
      },
    });
    const subscription = listener.subscribe('clients:addresses');
    t.is((await subscription[Symbol.asyncIterator]().next()).value?.type, 'open');
    subscription.close();
    t.deepEqual(opened, [
      {
        url: `${engine.url.replace('http', 'ws')}/v1/pubsub/ws?topic=clients%3Aaddresses`,
        protocol: 'orama',
      },
    ]);
  }
  // Without a credential nothing is offered, and the engine says what is missing.
  const anybody = createClient({
    url: engine.url,
    webSocket: (url, protocols) => {
      t.deepEqual(protocols, []);
      return new WebSocket(url, protocols);
    },
  });
  const refused = anybody.subscribe('clients:addresses')[Symbol.asyncIterator]();
  t.like(await t.throwsAsync(refused.next()), { code: 'unauthorized' });
});

/** Starts a server that refuses `times` requests and then responds normally. */
async function refusing(times: number, refuse: (response: ServerResponse) => void) {
  const bodies: string[] = [];
  const server = await httpServer(async (request, response) => {
    bodies.push((await buffer(request)).toString());
    if (bodies.length <= times) return refuse(response);
    response.writeHead(200, {
      'x-request-id': 'r',
      'x-function-version': '1',
      'content-type': 'application/json',
    });
    response.end('{"status":"ok","triggered":0}');
  });
  return { ...server, bodies };
}

test('429 and 503 are retried after the time in Retry-After', async (t) => {
  for (const status of [429, 503]) {
    const server = await refusing(1, (response) => {
      response.writeHead(status, { 'retry-after': '1' }).end('{"error":"Later.","code":"queue_full"}');
    });
    const orama = createClient({ url: server.url });
    const before = Date.now();
    await orama.publish('t', { n: 1 });
    t.true(Date.now() - before >= 1000);
    t.deepEqual(server.bodies, Array(2).fill('{"topic":"t","data":{"n":1}}'));
    await server.close();
  }
});

test('the error after the last retry contains the time in Retry-After', async (t) => {
  const server = await refusing(9, (response) => {
    response.writeHead(429, { 'retry-after': '7' }).end('{"error":"The queue is full.","code":"queue_full"}');
  });
  t.teardown(server.close);
  const orama = createClient({ url: server.url, retries: 0 });
  const error = await t.throwsAsync(orama.invoke('f'), { instanceOf: OramaError });
  t.like(error, { code: 'queue_full', status: 429, retryAfter: 7, message: 'The queue is full.' });
});

test('a call that is refused until later than in a minute fails at once', async (t) => {
  const server = await refusing(9, (response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end('{"error":"Tomorrow.","code":"quota_exceeded"}');
  });
  t.teardown(server.close);
  const refused = t.throwsAsync(createClient({ url: server.url }).publish('t', 1), {
    instanceOf: OramaError,
  });
  t.like(await Promise.race([refused, delay(5000)]), { code: 'quota_exceeded', retryAfter: 3600 });
  t.is(server.bodies.length, 1);
});

test('a call without a reply is retried only with an idempotency key', async (t) => {
  const cut = (response: ServerResponse) => void response.destroy();
  const plain = await refusing(1, cut);
  t.teardown(plain.close);
  t.like(await t.throwsAsync(createClient({ url: plain.url }).invoke('f', 'x')), {
    code: 'unreachable',
    status: 0,
  });
  t.is(plain.bodies.length, 1);
  const keyed = await refusing(1, cut);
  t.teardown(keyed.close);
  await createClient({ url: keyed.url }).invoke('f', 'x', { idempotencyKey: 'k' });
  t.deepEqual(keyed.bodies, ['x', 'x']);
});

test('a response that breaks off is an error of the client, and a read is repeated', async (t) => {
  let calls = 0;
  const server = await httpServer((_request, response) => {
    calls += 1;
    response.writeHead(200, { 'content-length': '100', 'x-request-id': 'r' });
    response.write('{');
    setTimeout(() => response.destroy(), 50);
  });
  t.teardown(server.close);
  const orama = createClient({ url: server.url, retries: 1 });
  const broken = { code: 'unreachable', status: 0 };
  t.like(await t.throwsAsync(orama.invoke('hello'), { instanceOf: OramaError }), broken);
  t.is(calls, 1);
  t.like(await t.throwsAsync(orama.invocations.get('r'), { instanceOf: OramaError }), broken);
  t.is(calls, 3);
});

test('an answer of another server is an error, and not an output', async (t) => {
  const server = await httpServer((_request, response) => {
    // Other servers have this header as well.
    response.setHeader('x-request-id', 'theirs').end('<html>');
  });
  t.teardown(server.close);
  const orama = createClient({ url: server.url });
  for (const call of [
    () => orama.invoke('hello'),
    () => orama.invokeAsync('hello'),
    () => orama.invocations.get('r'),
    () => orama.publish('t', 1),
  ]) {
    const failed = await t.throwsAsync(call(), { instanceOf: OramaError });
    t.like(failed, { code: 'internal', status: 200 });
    t.regex(failed?.message ?? '', /not from this API/);
  }
});

test('a subscription to a topic that the engine refuses ends with its error', async (t) => {
  const orama = await client();
  const events = orama.subscribe('a topic with blanks')[Symbol.asyncIterator]();
  const refused = await t.throwsAsync(events.next(), { instanceOf: OramaError });
  t.like(refused, { code: 'invalid_request', status: 400 });
});

test('a call that fails with ambiguous_write is not retried', async (t) => {
  const server = await refusing(1, (response) => {
    response.writeHead(503).end('{"error":"Look before repeating it.","code":"ambiguous_write"}');
  });
  t.teardown(server.close);
  t.like(await t.throwsAsync(createClient({ url: server.url }).publish('t', 1)), { code: 'ambiguous_write' });
  t.is(server.bodies.length, 1);
});

test('a redirect is not followed, so the key is not sent to another server', async (t) => {
  const keys: unknown[] = [];
  const other = await httpServer((request, response) => {
    keys.push(request.headers['x-api-key']);
    response.end('{}');
  });
  t.teardown(other.close);
  const server = await refusing(9, (response) => response.writeHead(307, { location: other.url }).end());
  t.teardown(server.close);
  const orama = createClient({ url: server.url, apiKey: 'secret', retries: 0 });
  const id = '0199c5a0-0000-7000-8000-000000000009';
  t.like(await t.throwsAsync(orama.invocations.get(id)), { code: 'internal', status: 307 });
  t.deepEqual(keys, []);

  // Workers refuse `redirect: 'error'`, and a browser shows nothing of a redirect.
  const modes: unknown[] = [];
  const browser = createClient({
    url: server.url,
    fetch: async (_url, init) => {
      modes.push(init.redirect);
      return Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' });
    },
  });
  const opaque = await t.throwsAsync(browser.invocations.get(id), { instanceOf: OramaError });
  t.is(opaque?.code, 'internal');
  t.regex(opaque?.message ?? '', /redirect/);
  t.deepEqual(modes, ['manual']);
});

test('a 502 or 504 of a proxy is no reply: a read is repeated, and a call without a key is not', async (t) => {
  for (const status of [502, 504]) {
    const proxy = (response: ServerResponse) => response.writeHead(status).end('<html>Bad Gateway</html>');
    const server = await refusing(1, proxy);
    t.teardown(server.close);
    const orama = createClient({ url: server.url });
    t.like(await t.throwsAsync(orama.invoke('f', 'x'), { instanceOf: OramaError }), { status });
    t.is(server.bodies.length, 1);
    const again = await refusing(1, proxy);
    t.teardown(again.close);
    const keyed = createClient({ url: again.url });
    await keyed.invoke('f', 'x', { idempotencyKey: 'k' });
    t.is(again.bodies.length, 2);
  }
});

test('an aborted signal ends a call that waits for its next retry', async (t) => {
  const server = await refusing(9, (response) => response.writeHead(429, { 'retry-after': '30' }).end('{}'));
  t.teardown(server.close);
  const stop = new AbortController();
  const call = createClient({ url: server.url }).invoke('f', 'x', { signal: stop.signal });
  await until('the first try', async () => server.bodies.length === 1);
  stop.abort(new Error('enough'));
  await t.throwsAsync(call, { message: 'enough' });
});
