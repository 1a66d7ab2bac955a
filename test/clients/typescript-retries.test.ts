import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createClient, OramaError } from '../../clients/typescript/src/index.js';
import { httpServer } from '../helpers/http-server.js';
import { until } from '../helpers/until.js';
import { refusing } from './typescript-client.js';

test('what no header can hold is a TypeError at once, and is not sent', async (t) => {
  const server = await refusing(0, () => undefined);
  t.teardown(server.close);
  const orama = createClient({ url: server.url });
  for (const text of ['k€', 'k\n2', 'k\u0001', 'k\ud800']) {
    const before = Date.now();
    const refused = { instanceOf: TypeError, message: /^The header [\w-]+ cannot hold the character U\+/ };
    await t.throwsAsync(orama.invoke('f', 'x', { idempotencyKey: text }), refused);
    await t.throwsAsync(orama.invokeAsync('f', 'x', { sticky: text }), refused);
    await t.throwsAsync(orama.invokeAsync('f', 'x', { callbackUrl: text }), refused);
    t.true(Date.now() - before < 1000);
    const secret = t.throws(() => createClient({ url: server.url, apiKey: text }), refused);
    t.false(secret?.message.includes(text));
  }
  t.deepEqual(server.bodies, []);
  // As read from a file.
  await createClient({ url: server.url, apiKey: 'key\n' }).invoke('f', 'x', { idempotencyKey: 'ü' });
  t.deepEqual(server.bodies, ['x']);
});

test('a URL that no request can be sent to is refused when a client is created', (t) => {
  for (const url of [
    '',
    'localhost:8080',
    '127.0.0.1:2',
    'ftp://host',
    'http://',
    '/api',
    'http://u:p@h',
    'http://h/?a',
  ]) {
    t.throws(() => createClient({ url }), { instanceOf: TypeError, message: /^The url (must|may)/ }, url);
  }
  t.throws(() => createClient({} as { url: string }), { instanceOf: TypeError, message: /^The url must/ });
  t.notThrows(() => createClient({ url: 'HTTPS://functions.example.com/engine//' }));
});

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

test('a call that fails with ambiguous_write is not retried', async (t) => {
  const server = await refusing(1, (response) => {
    response.writeHead(503).end('{"error":"Look before repeating it.","code":"ambiguous_write"}');
  });
  t.teardown(server.close);
  t.like(await t.throwsAsync(createClient({ url: server.url }).publish('t', 1)), { code: 'ambiguous_write' });
  t.is(server.bodies.length, 1);
});

test('a refused poll does not end the wait for an accepted invocation', async (t) => {
  let polls = 0;
  const server = await httpServer((request, response) => {
    if (request.method === 'POST') {
      response.writeHead(202, { 'x-request-id': 'r' }).end('{"request_id":"r","status":"queued"}');
      return;
    }
    polls += 1;
    if (polls <= 2) {
      response.writeHead(429, { 'retry-after': '1' }).end('{"error":"Later.","code":"rate_limited"}');
      return;
    }
    response.end(
      JSON.stringify({ request_id: 'r', state: 'success', attempts: [], version: 1, output: 'x' }),
    );
  });
  t.teardown(server.close);
  const orama = createClient({ url: server.url, retries: 0 });
  const before = Date.now();
  t.is((await orama.invoke('hello')).text(), 'x');
  t.is(polls, 3);
  t.true(Date.now() - before >= 1990);
  polls = 0;
  t.like(await t.throwsAsync(orama.invocations.wait('r', { timeoutMs: 500 })), { code: 'unreachable' });
  // The second one at the end of the time.
  t.is(polls, 2);
});

test('a wait with a timeout does not wait for a Retry-After beyond it', async (t) => {
  const server = await refusing(9, (response) => {
    response.writeHead(429, { 'retry-after': '30' }).end('{"error":"Later.","code":"rate_limited"}');
  });
  t.teardown(server.close);
  const waiting = t.throwsAsync(createClient({ url: server.url }).invocations.wait('r', { timeoutMs: 300 }));
  t.like(await Promise.race([waiting, delay(5000)]), { code: 'unreachable' });
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

test('a 502, 503 or 504 of a proxy is no reply: a call is repeated only with a key', async (t) => {
  for (const status of [502, 503, 504]) {
    const proxy = (response: ServerResponse) => response.writeHead(status).end('<html>Bad Gateway</html>');
    const server = await refusing(1, proxy);
    t.teardown(server.close);
    const orama = createClient({ url: server.url });
    t.like(await t.throwsAsync(orama.invoke('f', 'x'), { instanceOf: OramaError }), {
      status,
      code: 'internal',
    });
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
