import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import test from 'ava';
import { createEgress } from '../../src/egress/fetch.js';
import { asker, egress, get, server } from '../helpers/egress.js';
import { httpServer } from '../helpers/http-server.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { textOf } from '../helpers/text-of.js';

test('method, headers and bytes of a request and of its response are transferred unchanged', async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const { url } = await server(t, (request, response) => {
    response.writeHead(207, {
      'x-method': request.method,
      'x-custom': request.headers['x-custom'],
      'x-two': ['a', 'b'],
    });
    request.pipe(response);
  });
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(
    get(`${url}/path?q=1`, { method: 'PATCH', headers: { 'X-Custom': 'yes' }, body: bytes }),
  );
  t.is(answer.status, 207);
  t.is(answer.headers['x-method'], 'PATCH');
  t.is(answer.headers['x-custom'], 'yes');
  t.is(answer.headers['x-two'], 'a, b');
  sameBytes(t, answer.body, bytes);
});

test('the caller cannot set the Host header or connection and framing headers', async (t) => {
  const { url, port } = await server(t, (request, response) => response.end(JSON.stringify(request.headers)));
  const headers = {
    Host: 'internal.admin',
    'Transfer-Encoding': 'chunked',
    Connection: 'upgrade',
    Upgrade: 'x',
    Expect: 'y',
    'Content-Length': '999',
  };
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { headers }));
  const seen = JSON.parse(textOf(answer.body)) as Record<string, string>;
  t.is(seen.host, `127.0.0.1:${port}`);
  t.is(seen.upgrade, undefined);
  t.is(seen['transfer-encoding'], undefined);
  t.not(seen['content-length'], '999');
});

for (const headers of [{ 'x-a': 'b\r\nx-injected: 1' }, { 'x a': 'b' }]) {
  test(`an invalid header name or value is rejected: ${JSON.stringify(headers)}`, async (t) => {
    const { url } = await server(t, (_request, response) => response.end());
    await t.throwsAsync(egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { headers })), {
      code: 'invalid_request',
    });
  });
}

for (const method of ['CONNECT', 'TRACE', 'GET / HTTP/1.1', '']) {
  test(`the method ${JSON.stringify(method)} is rejected`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).fetch(get('http://public.test/', { method })), {
      code: 'invalid_request',
    });
  });
}

test('a response larger than maxResponseBytes is an error and is not truncated', async (t) => {
  const { url } = await server(t, (request, response) => {
    if (request.url === '/endless') {
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    } else response.end(Buffer.alloc(1000));
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  t.is((await guarded.fetch(get(url, { maxResponseBytes: 1000 }))).body.length, 1000);
  await t.throwsAsync(guarded.fetch(get(url, { maxResponseBytes: 999 })), { code: 'payload_too_large' });
  await t.throwsAsync(guarded.fetch(get(`${url}/endless`)), { code: 'payload_too_large' });
});

test('the timeout applies to name lookup, headers, body and redirects', async (t) => {
  const { url, port } = await server(t, (request, response) => {
    if (request.url === '/body') response.write('begun');
    if (request.url === '/redirect') response.writeHead(302, { location: '/silent' }).end();
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  for (const path of ['/silent', '/body', '/redirect']) {
    await t.throwsAsync(
      guarded.fetch(get(url + path, { timeoutMs: 200 })),
      { code: 'unavailable', message: /0\.2 s/ },
      path,
    );
  }
  const deaf = egress(t, { allow: [], resolve: () => new Promise<string[]>(() => {}) });
  await t.throwsAsync(deaf.fetch(get(`http://slow.test:${port}/`, { timeoutMs: 200 })), {
    code: 'unavailable',
  });
});

test('aborting a request rejects with cancelled and closes the connection', async (t) => {
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const cancel = new AbortController();
  const { url } = await server(t, (request) => {
    once(request.socket, 'close').then(() => onClosed());
    cancel.abort();
  });
  await t.throwsAsync(egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { signal: cancel.signal })), {
    code: 'cancelled',
  });
  await closed;
});

test('a name that does not resolve gives unavailable', async (t) => {
  const guarded = egress(t, { allow: [] });
  await t.throwsAsync(guarded.fetch(get('http://nowhere.test/')), {
    code: 'unavailable',
    message: /nowhere\.test/,
  });
  await t.throwsAsync(guarded.check('http://empty.test/', asker), { code: 'unavailable' });
});

test('a server that closes the connection or refuses it gives unavailable', async (t) => {
  const { url } = await server(t, (request) => request.socket.destroy());
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  await t.throwsAsync(guarded.fetch(get(url)), { code: 'unavailable' });
  const gone = await httpServer(() => {});
  await gone.close();
  await t.throwsAsync(guarded.fetch(get(gone.url)), { code: 'unavailable', message: /ECONNREFUSED/ });
});

test('64 requests to one server run concurrently', async (t) => {
  const waiting: ServerResponse[] = [];
  const { url } = await server(t, (_request, response) => {
    // Responses are sent only when all requests have arrived: with less concurrency the test would
    // hang.
    if (waiting.push(response) === 64) for (const each of waiting) each.end('ok');
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  const answers = await Promise.all(Array.from({ length: 64 }, () => guarded.fetch(get(url))));
  t.true(answers.every((answer) => textOf(answer.body) === 'ok'));
});

test('close ends pending requests with unavailable, and closing again has no effect', async (t) => {
  const { url } = await server(t, () => {});
  const guarded = createEgress({ allow: ['127.0.0.1'] });
  const waiting = guarded.fetch(get(url));
  await guarded.close();
  await guarded.close();
  await t.throwsAsync(waiting, { code: 'unavailable' });
});
