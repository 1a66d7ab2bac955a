import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { run } from './running.js';

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

test('a response that the constructor would not make is returned, and one that cannot be read rejects', async (t) => {
  const source = `export default async () => {
    const one = async (path) => {
      try {
        const response = await fetch('http://host/' + path);
        const copy = response.clone();
        return [response.status, response.ok, copy.status, response.body === null, await copy.text()];
      } catch (error) { return [error.name, error.message, error.cause?.name]; }
    };
    const error = Response.error().clone();
    return [await one(100), await one(204), await one(304), await one(600), await one(999), await one('bad'), [error.type, error.status]];
  };`;
  const { host } = fetchHost((url) => {
    const path = new URL(url).pathname.slice(1);
    const headers: Record<string, string> = path === 'bad' ? { 'no name': 'x' } : {};
    return [0, { status: Number(path) || 200, headers, body: 'b' }];
  });
  const outcome = await run(source, '', { host });
  t.is(outcome.error, null, outcome.log.join('\n'));
  t.deepEqual(JSON.parse(outcome.output), [
    [100, false, 100, false, 'b'],
    [204, true, 204, true, ''],
    [304, false, 304, true, ''],
    [600, false, 600, false, 'b'],
    [999, false, 999, false, 'b'],
    ['TypeError', 'fetch failed', 'TypeError'],
    ['error', 0],
  ]);
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
    headers.set('constructor', 'c');
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
    headers: {
      constructor: 'c',
      'content-type': 'application/json',
      'set-cookie': ['a=1', 'b=2'],
      'x-b': '1',
    },
  });
  const get = await run(source, '', { httpRequest: httpRequest('GET') });
  t.deepEqual(JSON.parse(get.output), { method: 'GET', body: '', ...seen });
});
