import test from 'ava';
import { MB } from '../../src/contract/limits.js';
import type { Api, JsonValue } from '../helpers/api.js';
import { deliveriesOver } from '../helpers/deliveries.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

function publishAll(api: Api, messages: unknown, more: object = {}) {
  return api.post('/v1/pubsub/publish/batch', { messages, ...more });
}

/** Resolves with the inputs of the triggered probe, in the order in which they were accepted. */
async function firedWith(api: Api, count: number): Promise<JsonValue[]> {
  const inputs = await deliveriesOver(() => api).received('probe', count);
  // The list is sorted newest first.
  return inputs.reverse();
}

/**
 * Returns the number of all invocations so far. Counted by id: one that has just ended may be
 * listed twice.
 */
async function invocations(api: Api): Promise<number> {
  const { json } = await api.get('/v1/invocations?function=probe');
  return new Set(json.invocations.map((one: JsonValue) => one.request_id)).size;
}

function textOf({ data }: JsonValue): string {
  return Buffer.from(data, 'base64').toString();
}

test('the messages of a batch fire their triggers and reach live subscribers in order', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const topic of ['orders:*', 'notes']) await api.post('/v1/functions/probe/triggers', { topic });
  const orders = await connect(api.url, '/v1/pubsub/ws?topic=orders:new', { 'x-api-key': api.key });
  const notes = await connect(api.url, '/v1/pubsub/ws?topic=notes', { 'x-api-key': api.key });

  const reply = await publishAll(api, [
    { topic: 'orders:new', data: { n: 0 } },
    { topic: 'notes', data: 'plain text' },
    { topic: 'orders:new', data_base64: Buffer.from('{"n":1}').toString('base64') },
    { topic: 'nobody:listens', data: null },
    { topic: 'orders:new', data: [2], namespace: api.namespace },
  ]);
  t.is(reply.status, 200, reply.text);
  t.deepEqual(reply.json, { status: 'ok', count: 5 });

  await orders.next('the last of the orders', (frame) => textOf(frame) === '[2]');
  t.deepEqual(orders.frames.map(textOf), ['{"n":0}', '{"n":1}', '[2]']);
  await notes.next('the note', (frame) => textOf(frame) === 'plain text');
  t.is(notes.frames.length, 1);

  const inputs = await firedWith(api, 4);
  t.deepEqual(
    inputs.map(({ topic, data }) => [topic, data]),
    [
      ['orders:new', { n: 0 }],
      ['notes', 'plain text'],
      ['orders:new', { n: 1 }],
      ['orders:new', [2]],
    ],
  );
  for (const input of inputs) t.like(input, { namespace: api.namespace, trigger_depth: 1 });
  for (const client of [orders, notes]) client.ws.close();
});

test('a message of a batch starts one invocation per matching trigger, including wildcard triggers', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const topic of ['a:b', 'a:*', '>', 'other']) {
    t.is((await api.post('/v1/functions/probe/triggers', { topic })).status, 201);
  }
  t.is(
    (
      await publishAll(api, [
        { topic: 'a:b', data: 1 },
        { topic: 'a:c:d', data: 2 },
      ])
    ).status,
    200,
  );
  const data = (await firedWith(api, 4)).map((input) => input.data);
  t.deepEqual(data, [1, 1, 1, 2]);
});

test('a batch of 1,000 messages and 8 MB is accepted, and live subscribers get the messages in order', async (t) => {
  const api = await aTenant(await engine());
  const client = await connect(api.url, '/v1/pubsub/ws?topic=many', { 'x-api-key': api.key });
  const padding = 'x'.repeat(8000);
  const messages = Array.from({ length: 1000 }, (_, n) => ({ topic: 'many', data: `${n} ${padding}` }));
  const reply = await publishAll(api, messages);
  t.deepEqual(reply.json, { status: 'ok', count: 1000 }, reply.text);
  await client.next('the last', () => client.frames.length >= 1000);
  t.deepEqual(
    client.frames.map((frame) => Number.parseInt(textOf(frame), 10)),
    messages.map((_, n) => n),
  );
  client.ws.close();
});

const good = { topic: 'work', data: 'good' };
const REFUSED: [what: string, messages: unknown, status: number, sentence: RegExp][] = [
  ['an object instead of a list', { 0: good }, 400, /^messages must be a list/],
  ['no messages field', undefined, 400, /^messages is required$/],
  ['an empty list', [], 400, /^messages must hold at least one message$/],
  [
    'more than 1,000 messages',
    Array.from({ length: 1001 }, () => good),
    400,
    /^messages .*1000 entries, not 1001$/,
  ],
  [
    'an invalid topic',
    [good, good, { topic: 'a b', data: 1 }],
    400,
    /^messages\[2\]\.topic may hold no blanks/,
  ],
  ['a missing topic', [good, { data: 1 }], 400, /^messages\[1\] must be an object with "topic", and "data"/],
  ['missing data', [good, { topic: 'work' }], 400, /^messages\[1\]/],
  ['a string as a message', [good, 'text'], 400, /^messages\[1\] must be an object/],
  [
    'a message with both data and data_base64',
    [good, { ...good, data_base64: 'YQ==' }],
    400,
    /^messages\[1\].* send data or data_base64$/,
  ],
  [
    'invalid base64 data',
    [good, { topic: 'work', data_base64: '%' }],
    400,
    /^messages\[1\]\.data_base64 .*"%"/,
  ],
  [
    'a message of more than 1 MB',
    [good, { topic: 'work', data: 'x'.repeat(MB) }],
    413,
    /^messages\[1\] has \d+ bytes/,
  ],
  [
    'a message of more than 1 MB without a trigger',
    [good, { topic: 'nobody', data: 'x'.repeat(MB + 1) }],
    413,
    /^messages\[1\] has /,
  ],
  [
    'a message for another namespace',
    [good, { ...good, namespace: 'default' }],
    403,
    /^messages\[1\]: .*cannot act in "default"/,
  ],
];

for (const [what, messages, status, sentence] of REFUSED) {
  test(`a batch with ${what} returns an error that names the field, and is not published`, async (t) => {
    const api = await aTenantWithProbe(await engine());
    await api.post('/v1/functions/probe/triggers', { topic: 'work' });
    const client = await connect(api.url, '/v1/pubsub/ws?topic=work', { 'x-api-key': api.key });
    const reply = await publishAll(api, messages);
    t.is(reply.status, status, reply.text);
    t.regex(reply.json.error, sentence);
    // No other message is ever received.
    t.is((await api.publish('work', 'after')).status, 200);
    await client.next('the message after', (frame) => textOf(frame) === 'after');
    t.is(client.frames.length, 1);
    t.is(await invocations(api), 1);
    client.ws.close();
  });
}

test('a batch for another namespace returns 403, without a credential 401, over 8 MB 413', async (t) => {
  const api = await aTenant(await engine());
  t.is((await publishAll(api, [good], { namespace: 'default' })).status, 403);
  t.is((await publishAll(api.as(), [good])).status, 401);
  const part = { topic: 'large', data: 'x'.repeat(MB - 1000) };
  const large = await publishAll(
    api,
    Array.from({ length: 9 }, () => part),
  );
  t.is(large.status, 413);
  t.regex(large.json.error, /at most 8 MB/);
  t.is(
    (
      await publishAll(
        api,
        Array.from({ length: 8 }, () => part),
      )
    ).status,
    200,
  );
});

test('a batch that fires over 5,000 triggers or 32 MB of events returns 413 and starts no invocation', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const patterns = ['a:b:c', '*:b:c', 'a:*:c', 'a:b:*', '>', 'a:>', '*:>', '*:*:c', '*:b:*', 'a:*:*'];
  for (const topic of patterns) {
    t.is((await api.post('/v1/functions/probe/triggers', { topic })).status, 201);
  }
  const many = await publishAll(
    api,
    Array.from({ length: 501 }, () => ({ topic: 'a:b:c', data: 1 })),
  );
  t.is(many.status, 413);
  t.regex(many.json.error, /fire 5010 triggers; at most 5000/);
  const large = { topic: 'a:b:c', data: 'x'.repeat(MB - 1000) };
  const heavy = await publishAll(
    api,
    Array.from({ length: 4 }, () => large),
  );
  t.is(heavy.status, 413);
  t.regex(heavy.json.error, /32 MB/);
  t.is(await invocations(api), 0);
});

test('a function triggered by a batch can publish, which starts invocations with trigger_depth 2', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.post('/v1/functions/probe/triggers', { topic: 'first' });
  await api.post('/v1/functions/probe/triggers', { topic: 'second' });
  const publishing = { topic: 'first', data: [{ op: 'publish', a: 'second', json: [] }] };
  t.is((await publishAll(api, [publishing, publishing])).status, 200);
  const depths = await until('four runs', async () => {
    const { json } = await api.get('/v1/invocations?function=probe&status=success');
    return json.count === 4 && json.invocations.map((one: JsonValue) => one.trigger_depth);
  });
  t.deepEqual(depths.sort(), [1, 1, 2, 2]);
});
