import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

/**
 * Texts that parsing and serializing would change: digits, exponents, order, names, escapes,
 * whitespace.
 */
const SOURCES = [
  '9007199254740993',
  '1e400',
  '1.0',
  '-0',
  '{"b":1,"2":2,"1":1.50,"__proto__":{"x":1},"b":2}',
  '[ 1 ,\t2.10 ]',
  '"caf\\u00e9 \\/ \\ud83d\\ude00"',
  '"\\ud800"',
  'null',
];

const data = (source: string) => `"data":${source}`;

/** Creates a namespace whose probe is triggered by every topic below `in:`. */
async function listening() {
  const api = await aTenant(await engine());
  const metadata = JSON.stringify({ triggers: [{ topic: 'in:>' }] });
  await api.deploy('probe', await probeWasm(), { metadata });
  return api;
}

/** Resolves with the inputs of `count` invocations of the probe as text, oldest first. */
async function inputs(api: Api, count: number, name = 'probe'): Promise<string[]> {
  const found = await until(`${count} inputs`, async () => {
    const { json } = await api.get(`/v1/invocations?function=${name}&status=success`);
    return json.count >= count && json.invocations;
  });
  return found.map(({ input }: JsonValue) => input).reverse();
}

function send(api: Api, path: string, body: string) {
  return api.request('POST', path, { headers: { 'content-type': 'application/json' }, body });
}

for (const source of SOURCES) {
  test(`the event data ${source} arrives unchanged, published alone and in a batch`, async (t) => {
    const api = await listening();
    const socket = await connect(api.url, '/v1/pubsub/ws?topic=in:a', { 'x-api-key': api.key });
    const alone = await send(api, '/v1/pubsub/publish', `{"topic":"in:a","data": ${source} }`);
    t.deepEqual(alone.json, { status: 'ok', triggered: 1 }, alone.text);
    const messages = `{"messages":[{"data":${source},"topic":"in:a"},{"topic":"in:a","data":0}]}`;
    const batch = await send(api, '/v1/pubsub/publish/batch', messages);
    t.is(batch.status, 200, batch.text);

    const texts = await inputs(api, 3);
    t.is(texts.filter((text) => text.includes(`,${data(source)},"namespace":`)).length, 2, texts.join('\n'));
    const value = JSON.parse(source);
    const live = await socket.next('the frame', () => socket.frames.length === 3);
    // For a string, its characters.
    const expected = typeof value === 'string' ? Buffer.from(value).toString() : source;
    t.is(Buffer.from(live.data, 'base64').toString(), expected);
  });
}

test('data sent as base64 or over a socket arrives as unchanged JSON, or as a string if not JSON', async (t) => {
  const api = await listening();
  const socket = await connect(api.url, '/v1/pubsub/ws?topic=in:ws', { 'x-api-key': api.key });
  socket.ws.send(' {"n":9007199254740993}\n');
  await until('the first', async () => (await inputs(api, 1)).length);
  for (const bytes of [Buffer.from('1.0'), Buffer.from('not JSON'), Buffer.from([0x22, 0xff, 0x22])]) {
    const reply = await api.post('/v1/pubsub/publish', {
      topic: 'in:b',
      data_base64: bytes.toString('base64'),
    });
    t.is(reply.status, 200, reply.text);
  }
  const texts = await inputs(api, 4);
  for (const source of ['{"n":9007199254740993}', '1.0', '"not JSON"', '"\\"\ufffd\\""']) {
    t.true(
      texts.some((text) => text.includes(`,${data(source)},`)),
      `${source} in ${texts.join('\n')}`,
    );
  }
});

test('published data and the input and output in on_success events keep their exact JSON text', async (t) => {
  const api = await listening();
  const input = '[{"op":"publish","a":"in:guest","json":{"z":1.0,"1":9007199254740993}}]';
  const metadata = JSON.stringify({ on_success: 'in:done', on_failure: 'in:failed' });
  await api.deploy('source', await probeWasm(), { metadata });
  const reply = await api.invoke('source', `\n${input}\n`);
  t.is(reply.status, 200, reply.text);
  const failed = await api.invoke('source', '[{"op":"exit","n":65,"a":"x","json":1.50}]');
  t.is(failed.status, 422);
  const texts = await inputs(api, 3);
  const of = (topic: string) => texts.find((text) => text.startsWith(`{"topic":"${topic}"`)) ?? '';
  t.true(of('in:guest').includes(data('{"z":1.0,"1":9007199254740993}')), of('in:guest'));
  t.true(of('in:done').includes(`"input":${input},"output":${reply.text}`), of('in:done'));
  t.true(of('in:failed').includes('"input":[{"op":"exit","n":65,"a":"x","json":1.50}],"output":null'));
});

test('a cached value is returned over HTTP with its exact JSON text', async (t) => {
  const api = await aTenant(await engine());
  const keys: string[] = [];
  for (const [index, source] of SOURCES.entries()) {
    if (source.startsWith('"')) continue;
    keys.push(`k${index}`);
    const put = await send(api, '/v1/cache/put', `{"key":"k${index}","value":${source}}`);
    t.is(put.status, 200, put.text);
    const got = await api.post('/v1/cache/get', { key: `k${index}` });
    t.is(got.text, `{"dmap":"default","key":"k${index}","value":${source}}`);
    t.regex(got.headers.get('content-type') ?? '', /^application\/json/);
  }
  const many = await api.post('/v1/cache/mget', { keys: [...keys, 'absent'] });
  t.is(many.json.count, keys.length);
  t.true(many.text.includes('{"key":"k0","value":9007199254740993}'));
  t.is((await api.post('/v1/cache/put', { key: 'k' })).status, 400);
});

test('publish returns the number of triggers that fired', async (t) => {
  const api = await listening();
  await api.post('/v1/functions/probe/triggers', { topic: 'in:two' });
  t.deepEqual((await api.publish('in:two', 1)).json, { status: 'ok', triggered: 2 });
  t.deepEqual((await api.publish('nobody', 1)).json, { status: 'ok', triggered: 0 });
});
