import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { openMemoryCache } from '../../src/cache/drivers/memory.js';
import { topicSchema } from '../../src/contract/function.js';
import { functionRefSchema } from '../../src/contract/function-ref.js';
import { namespaceSchema, requestIdSchema } from '../../src/contract/ids.js';
import { uuidv7 } from '../../src/uuid.js';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 1, parked: 8 });
test.after.always(() => engine.close());

/** Collects what each use of `env` gives, or the name of its error. */
const USES = `async (env) => {
  const out = [];
  const note = async (use) => out.push(await Promise.resolve().then(use).then((value) => value ?? null, (error) => error.name));
  for (const value of [5, [1, 2], {}, null, undefined, true, 7n, 'ü\\ud800', new Blob(['bl', 'ob']), new Response('streamed').body]) {
    await note(() => env.CACHE.put('k', value));
    await note(() => env.CACHE.get('k'));
  }
  env.CACHE.put('k', 'not awaited');
  for (const type of ['text', 'arrayBuffer', 'stream', 'json', 'blob', 'toString']) {
    await note(() => env.CACHE.get('k', type).then((value) => type === 'text' ? value : new Response(value).text()));
    await note(() => env.CACHE.get('none', type));
  }
  for (const expiration of [0.5, 1, '1', Math.floor(Date.now() / 1000) + 1000]) await note(() => env.CACHE.put('k', 'x', { expiration }));
  await note(() => env.CACHE.get('k', { type: 'text' }));
  for (const ttl of [0.5, -1, '1']) await note(() => env.CACHE.put('k', 'x', { expirationTtl: ttl }));
  for (const by of [0.5, Number.NaN, 2 ** 60]) await note(() => env.CACHE.increment('n', by));
  for (const data of [7, {}, new Blob(['ä']), new Response('s').body])
    await note(async () => (await env.STORAGE.get(await env.STORAGE.put(data))).text());
  for (const data of [undefined, { at: new Date(0), no: undefined }, () => {}, 1n]) {
    await note(() => env.publish('t', data));
    await note(() => env.enqueue('f', data).then(() => 'queued'));
  }
  for (const delay of [-1, Number.NaN, 1.5]) await note(() => env.enqueue('f', 1, { delay }).then(() => 'queued'));
  const rows = env.DB.prepare('SELECT 1 AS a, 2 AS b');
  await note(() => rows.first('b'));
  await note(() => rows.first('c'));
  await note(() => rows.raw());
  await note(() => rows.raw({ columnNames: true }));
  return out;
}`;

async function fake() {
  const { createEnv } = await import(resolve('sdk/javascript/orama/testing.js'));
  return createEnv({ sql: () => [{ a: 1, b: 2 }] });
}

test('the env of orama/testing converts and refuses values like that of a function', async (t) => {
  const env = await fake();
  const inNode = await new Function(`return ${USES}`)()(env);

  const cache = new Map<string, Uint8Array>();
  const sent: unknown[] = [];
  const jsonOf = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const wasm = await buildJavaScript({
    'index.js': `const uses = ${USES}; export default (_, env) => uses(env);`,
  });
  const { error, output, log } = await runText(engine, wasm, '', {
    host: {
      cache_set: async (key, value) => void cache.set(key, value),
      cache_get: async (key) => cache.get(key) ?? null,
      storage_put: async (data) => {
        cache.set('cid', data);
        return 'cid';
      },
      storage_get: async (cid) => cache.get(cid) ?? null,
      pubsub_publish: async (topic, data) => sent.push({ topic, data: jsonOf(data) }) > 0,
      enqueue: async (name, payload, seconds) => {
        sent.push({ name, payload: jsonOf(payload), delay: seconds });
        return requestIdSchema.parse(uuidv7());
      },
      db_query: async () => '[{"a":1,"b":2}]',
    },
  });
  t.is(error, null, log.join('\n'));
  t.deepEqual(inNode, JSON.parse(output));
  const isMessage = (one: unknown) => typeof one === 'object' && one !== null && 'topic' in one;
  t.deepEqual(env.published, sent.filter(isMessage));
  t.deepEqual(
    env.enqueued,
    sent.filter((one) => !isMessage(one)),
  );
});

const KEYS_AND_REFUSALS = `async (env) => {
  const out = [];
  const note = async (use) => out.push(await Promise.resolve().then(use).then((value) => typeof value === 'bigint' ? value + 'n' : value ?? null, (error) => error.name));
  await env.CACHE.put(5, 'five');
  for (const key of [5, '5', null, 'null']) await note(() => env.CACHE.get(key));
  await note(() => env.CACHE.increment(7));
  await note(() => env.CACHE.increment('7'));
  await note(() => env.CACHE.delete(7));
  await env.CACHE.put('lone\\ud800', 'x');
  await note(() => env.CACHE.get('lone\\ufffd'));
  for (const held of ['text', '', '1.5', '007', ' 1', '9007199254740990', '9223372036854775806', '-9007199254740993', '99999999999999999999']) {
    await env.CACHE.put('n', held);
    for (const by of [1, 1, -3]) await note(() => env.CACHE.increment('n', by));
    await note(() => env.CACHE.get('n'));
  }
  await env.CACHE.put('far', 'x', { expirationTtl: 1e10 });
  await note(() => env.CACHE.get('far'));
  for (const topic of ['', 'a b', 'a\\n', 'x'.repeat(257), 'x'.repeat(256), 5, 'ü:é', '\\u{1f600}'.repeat(200)])
    await note(() => env.publish(topic, 1));
  for (const name of ['', 'a b', 'secrets', 'secrets@1', 'f@newest', 'f@0', 'f@1', 'f@live', 'f@', 'f/g', 'x'.repeat(65), 7])
    await note(() => env.enqueue(name, 1).then(() => 'queued'));
  for (const delay of [1e12, Infinity, 604800.5, 604800, 0]) await note(() => env.enqueue('f', 1, { delay }).then(() => 'queued'));
  out.push(Object.keys(env), Object.keys({ ...env }), env.GREETING ?? null, { ...env }.GREETING ?? null, env.toString ?? null);
  out.push('GREETING' in env, 'NONE' in env, 'toString' in env, Object.hasOwn(env, 'GREETING'), JSON.stringify(env));
  return out;
}`;

test('the env of orama/testing has the keys, counters, names and limits of that of a function', async (t) => {
  const { createEnv } = await import(resolve('sdk/javascript/orama/testing.js'));
  const env = createEnv({ env: { GREETING: 'Hello' } });
  const inNode = await new Function(`return ${KEYS_AND_REFUSALS}`)()(env);

  const cache = await openMemoryCache({ maxBytes: 1 << 20 });
  const namespace = namespaceSchema.parse('test');
  const sent: unknown[] = [];
  const wasm = await buildJavaScript({
    'index.js': `const uses = ${KEYS_AND_REFUSALS}; export default (_, env) => uses(env);`,
  });
  const { error, output, log } = await runText(engine, wasm, '', {
    env: { GREETING: 'Hello' },
    host: {
      cache_get: (key) => cache.get(namespace, key),
      cache_set: (key, value, ttl) => cache.set(namespace, key, value, ttl),
      cache_incr_by: (key, delta) => cache.increment(namespace, key, delta),
      cache_delete: async (key) => ((await cache.delete(namespace, key)) ? 1 : 0),
      pubsub_publish: async (topic) => sent.push({ topic: topicSchema.parse(topic), data: 1 }) > 0,
      enqueue: async (name, _payload, seconds) => {
        sent.push({ name: functionRefSchema.parse(name), payload: 1, delay: seconds });
        return requestIdSchema.parse(uuidv7());
      },
    },
  });
  t.is(error, null, log.join('\n'));
  t.deepEqual(inNode, JSON.parse(output));
  t.deepEqual([...env.published, ...env.enqueued], sent);
});

test('CACHE.put with an expiration sets the seconds that are left as the TTL', async (t) => {
  const ttls: number[] = [];
  const wasm = await buildJavaScript({
    'index.js': `export default async (_, { CACHE }) => {
      const at = Math.floor(Date.now() / 1000) + 100;
      await CACHE.put('k', 'x', { expiration: at });
      await CACHE.put('k', 'x', { expiration: at, expirationTtl: 60 });
    }`,
  });
  const { error, log } = await runText(engine, wasm, '', {
    host: { cache_set: async (_key, _value, ttl) => void ttls.push(ttl) },
  });
  t.is(error, null, log.join('\n'));
  t.true(ttls[0] === 100 || ttls[0] === 99, `a TTL of ${ttls[0]} s`);
  t.is(ttls[1], 60);
});

test('an entry of the cache of orama/testing that has expired is gone for every operation', async (t) => {
  const { CACHE } = await fake();
  await CACHE.put('n', '5', { expirationTtl: 1 });
  await CACHE.put('gone', 'x', { expirationTtl: 1 });
  await delay(1100);
  t.false(await CACHE.delete('gone'));
  t.is(await CACHE.increment('n'), 1);
  t.is(await CACHE.increment('n'), 2);
  t.is(await CACHE.get('n'), '2');
});
