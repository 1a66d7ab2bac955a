import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import type { HostCalls } from '../../src/contract/host-functions.js';
import type { HttpExchangeRequest } from '../../src/contract/http-exchange.js';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { goGuest } from '../helpers/go-guest.js';

const engine = openEngine({ threads: 1, parked: 8 });
test.after.always(() => engine.close());

let built: Promise<Buffer> | undefined;
function guest() {
  built ??= goGuest('test/fixtures/router-go');
  return built;
}

const goTest = findTool('go') === undefined ? test.skip : test;

/** A request to the function "tested" of the namespace "test". */
async function send(url: string, given: Partial<HttpExchangeRequest> = {}, host: Partial<HostCalls> = {}) {
  const request: HttpExchangeRequest = {
    method: 'GET',
    url,
    path: new URL(url).pathname,
    query: {},
    params: {},
    headers: {},
    remote_address: '203.0.113.9',
    namespace: 'test',
    route: null,
    ...given,
  };
  const wasm = await guest();
  const outcome = await runText(engine, wasm, '', { host, httpRequest: JSON.stringify(request) });
  return { ...outcome, response: JSON.parse(outcome.response ?? 'null') };
}

goTest(
  'a TTL in the past is refused by the Go SDK and never becomes one without end (needs Go)',
  async (t) => {
    t.timeout(300_000);
    const set: unknown[] = [];
    const wasm = await guest();
    const host = {
      cache_set: async (key: string, _value: Uint8Array, ttl: number) => void set.push([key, ttl]),
    };
    const { error, log } = await runText(engine, wasm, '', { host });
    t.is(error, null);
    t.deepEqual(set, [
      ['short', 1],
      ['whole', 2],
    ]);
    // The longest duration of Go, 292 years, is more than the ten years that a TTL may have.
    const refused = log.filter((line) => line.includes('cache_set'));
    t.is(refused.length, 3, log.join('\n'));
    t.regex(refused.at(-1) ?? '', /9223372037/);
  },
);

goTest('an escaped slash stays in its segment for a router of net/http (needs Go)', async (t) => {
  t.timeout(300_000);
  const { output } = await send('http://127.0.0.1:4001/test/tested/files/a%2Fb%20c');
  t.deepEqual(JSON.parse(output), ['a/b c', '/files/a/b c', '203.0.113.9:0']);
});

goTest('the address of an IPv6 client can be split into host and port (needs Go)', async (t) => {
  t.timeout(300_000);
  const { output } = await send('http://h/test/tested%401/files/x', { remote_address: '2001:db8::1' });
  t.deepEqual(JSON.parse(output), ['x', '/files/x', '[2001:db8::1]:0']);
});

goTest('a namespace is cut off a path only where the path has it (needs Go)', async (t) => {
  t.timeout(300_000);
  const paths = [
    ['http://h/test/files/x', 'GET /files/{name}'],
    ['http://h/test/x', 'GET /{any}'],
    ['http://tested.h/tested/files/x', null],
    ['http://h/tested/tested/files/x', null],
    ['http://files.h/files/x', 'GET /files/{name}'],
  ] as const;
  const outputs: string[] = [];
  for (const [url, route] of paths) {
    const namespace = url.startsWith('http://h/test/') ? 'test' : (new URL(url).pathname.split('/')[1] ?? '');
    outputs.push((await send(url, { route, namespace })).output.trim());
  }
  const found = '["x","/files/x","203.0.113.9:0"]';
  t.deepEqual(outputs, [found, '404 page not found', found, found, found]);
});

goTest(
  'a handler that sets only a status gets the content type that net/http finds (needs Go)',
  async (t) => {
    t.timeout(300_000);
    const { output, response } = await send('http://h/test/tested/missing');
    t.is(output, '<!doctype html><p>missing');
    t.deepEqual(response, { status: 404, headers: { 'Content-Type': ['text/html; charset=utf-8'] } });
  },
);

goTest('a reply to an earlier FetchAll is not taken for one of a later (needs Go)', async (t) => {
  t.timeout(300_000);
  let started = 0;
  let asked = 0;
  const host: Partial<HostCalls> = {
    http_start: async () => ++started,
    // The first is lost; its reply arrives after the second FetchAll has begun.
    http_next: async () => {
      asked += 1;
      if (asked === 1) throw new Error('too large');
      return JSON.stringify({ handle: asked - 1, status: 200, headers: {}, body: `reply ${asked - 1}` });
    },
  };
  const { output, error } = await send('http://h/test/tested/fetches', {}, host);
  t.is(error, null);
  t.is(output, 'failed reply 2');
});
