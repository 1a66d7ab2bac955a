import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

/** Publishes a batch of messages for which the probe logs their numbers. */
function publishNumbers(api: Api, from: number, count: number) {
  const messages = Array.from({ length: count }, (_, n) => ({
    topic: 'work',
    data: [{ op: 'log', a: `number ${from + n}` }],
  }));
  return api.post('/v1/pubsub/publish/batch', { messages });
}

async function deployProbe(api: Api): Promise<void> {
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
}

async function waiting(api: Api): Promise<number> {
  return (await api.get('/v1/status')).json.queue.waiting;
}

/** Resolves with the numbers in the order in which their invocations ran. */
async function numbersRun(api: Api, count: number): Promise<number[]> {
  const records = await until(`${count} runs`, async () => {
    const found = await loggedAttempts(api, 'probe');
    return found.length >= count && found;
  });
  const messages = records.flatMap((record) => record.messages);
  return messages.map(({ message }) => Number(message.replace('number ', ''))).reverse();
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

test('an acknowledged batch runs completely and in order after web and Redis are killed with SIGKILL', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const first = await cluster.web();
  await deployProbe(first.api);
  const reply = await publishNumbers(first.api, 0, 200);
  await Promise.all([first.kill9(), cluster.redis.kill()]);
  t.deepEqual(reply.json, { status: 'ok', count: 200 }, reply.text);

  await cluster.redis.restart();
  const [second] = await Promise.all([cluster.web(), cluster.worker({ WORKER_CONCURRENCY: '1' })]);
  t.deepEqual(await numbersRun(second.api, 200), upTo(200));
});

test('a batch that does not fit into the queue gets 429 and no message of it is accepted', async (t) => {
  const cluster = await startCluster({ QUEUE_MAX_WAITING: '20' });
  t.teardown(cluster.close);
  const { api } = await cluster.web();
  await deployProbe(api);
  t.is((await publishNumbers(api, 0, 15)).status, 200);
  const refused = await publishNumbers(api, 100, 6);
  t.is(refused.status, 429, refused.text);
  t.is(refused.json.code, 'queue_full');
  t.true(Number(refused.headers.get('retry-after')) >= 1);
  t.is(await waiting(api), 15);
  t.is((await publishNumbers(api, 15, 5)).status, 200);
  await cluster.worker({ WORKER_CONCURRENCY: '1' });
  t.deepEqual(await numbersRun(api, 20), upTo(20));
});

test('a batch published while Redis does not respond gets ambiguous_write, and none of it is queued', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const { api } = await cluster.web();
  await deployProbe(api);
  cluster.redis.freeze();
  const refused: { status: number; json: JsonValue } = await publishNumbers(api, 0, 50);
  cluster.redis.thaw();
  t.is(refused.status, 503);
  t.is(refused.json.code, 'ambiguous_write', 'an unresponsive Redis confirms nothing');
  await until('the queue is available again', async () => (await publishNumbers(api, 100, 2)).status === 200);
  t.is(await waiting(api), 2);
});
