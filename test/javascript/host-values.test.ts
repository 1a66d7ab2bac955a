import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { HostCalls } from '../../src/contract/host-functions.js';
import { openEngine } from '../../workers/engine/engine.js';
import { type CallOptions, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

async function run(source: string, input: string | Uint8Array = '', options: CallOptions = {}) {
  return runText(engine, await buildJavaScript(source), input, { warmStart: 'reactor', ...options });
}

test('keys, topics and names that are no strings are converted to strings', async (t) => {
  const seen: string[] = [];
  const see = (what: string) => {
    seen.push(what);
    return Promise.resolve(null);
  };
  const host: Partial<HostCalls> = {
    cache_get: see,
    cache_delete: (key) => see(key).then(() => 1),
    cache_incr_by: (key) => see(key).then(() => 1n),
    cache_set: async (key) => void (await see(key)),
    get_secret: see,
    storage_get: (cid) => see(cid).then(() => new Uint8Array(0)),
    pubsub_publish: (topic) => see(topic).then(() => 1 as const),
    enqueue: (name) => see(name).then(() => 'id'),
  };
  const source = `export default async (_, env: any) => {
    await env.CACHE.put(1, 'x');
    await env.CACHE.get(2n);
    await env.CACHE.delete(null);
    await env.CACHE.increment(undefined);
    await env.SECRETS.get({ toString: () => 'own' });
    await env.STORAGE.get(3);
    await env.publish(4);
    await env.enqueue(5);
    return env.CACHE.get(Symbol('none')).catch((error) => error.name);
  };`;
  const { output, error } = await run(source, '', { host });
  t.is(error, null);
  t.deepEqual(seen, ['1', '2', 'null', 'undefined', 'own', '3', '4', '5']);
  t.is(output, '"TypeError"');
});

test('malformed UTF-8 and lone surrogates become U+FFFD as the Encoding standard has it', async (t) => {
  const input = Uint8Array.of(0x41, 0xff, 0xe2, 0x82, 0x41, 0xed, 0xa0, 0x80, 0xc0, 0x80, 0);
  const expected = new TextDecoder().decode(input);
  t.is((await run('export default (input) => input;', input)).output, JSON.stringify(expected));
  const fetch = 'export default { fetch: async (request) => new Response(await request.text()) };';
  t.is((await run(fetch, input)).output, expected);

  const stored: Uint8Array[] = [];
  const host: Partial<HostCalls> = {
    cache_set: async (_key, value) => void stored.push(value),
  };
  const put = `export default async (_, env) => { await env.CACHE.put('k', 'a\\ud83db'); console.log('c\\ud83dd'); };`;
  t.deepEqual((await run(put, '', { host })).log, ['info: c\ufffdd']);
  t.is(Buffer.concat(stored).toString(), 'a\ufffdb');
});

/** The host's requests: each takes `ms`, and at most 64 may be in flight or not taken. */
function requests(ms: number): Pick<HostCalls, 'http_start' | 'http_next'> {
  const ended: number[] = [];
  let started = 0;
  let taken = 0;
  return {
    async http_start() {
      if (started - taken >= 64) throw new Error('64 requests are in flight');
      const handle = ++started;
      void delay(ms).then(() => ended.push(handle));
      return handle;
    },
    async http_next(timeoutMs) {
      const until = performance.now() + timeoutMs;
      while (ended.length === 0 && started > taken && performance.now() < until) await delay(1);
      const handle = ended.shift();
      if (handle === undefined) return null;
      taken++;
      return JSON.stringify({ handle, status: 200, headers: {}, body: `${handle}` });
    },
  };
}

test('an interval that is always due does not keep the answer of a request waiting', async (t) => {
  const source = `export default async () => {
    const busy = setInterval(() => { for (const until = Date.now() + 5; Date.now() < until; ); }, 1);
    const response = await fetch('http://h/');
    clearInterval(busy);
    return response.status;
  };`;
  t.is((await run(source, '', { host: requests(20), timeoutMs: 10_000 })).output, '200');
});

test('requests that were aborted do not make later ones fail', async (t) => {
  const source = `export default async () => {
    const stop = new AbortController();
    const all = Array.from({ length: 70 }, () => fetch('http://h/', stop).catch((error) => error.name));
    setTimeout(() => stop.abort(), 1);
    const names = new Set(await Promise.all(all));
    return [...names, (await fetch('http://h/')).status];
  };`;
  t.is((await run(source, '', { host: requests(3000) })).output, '["AbortError",200]');
});
