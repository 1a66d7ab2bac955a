import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Redis } from 'ioredis';
import { startCluster } from '../helpers/cluster.js';
import { freePort } from '../helpers/free-port.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const FOR_MS = 3000;
const ASYNC = { prefer: 'respond-async' };
const ENDED = ['success', 'error', 'timeout', 'dead', 'cancelled'];

type Command = readonly (string | number)[];

/** What an operator or a failover does to a running Redis, and how it is undone. */
const WAYS: Record<
  string,
  (port: number) => { begin: readonly Command[]; end: readonly Command[]; refuses: boolean }
> = {
  'becomes the replica of an unreachable server': (gone) => ({
    begin: [['replicaof', '127.0.0.1', gone]],
    end: [['replicaof', 'no', 'one']],
    refuses: true,
  }),
  'has fewer replicas than min-replicas-to-write': () => ({
    begin: [['config', 'set', 'min-replicas-to-write', 1]],
    end: [['config', 'set', 'min-replicas-to-write', 0]],
    refuses: true,
  }),
  'exceeds maxmemory': () => ({
    begin: [['config', 'set', 'maxmemory', '1mb']],
    end: [['config', 'set', 'maxmemory', 0]],
    refuses: true,
  }),
  'flushes its scripts and closes all connections repeatedly': () => ({
    begin: Array.from({ length: 5 }, () => [
      ['script', 'flush', 'sync'],
      ['client', 'kill', 'type', 'normal', 'skipme', 'yes'],
      ['client', 'kill', 'type', 'pubsub', 'skipme', 'yes'],
    ]).flat(),
    end: [],
    refuses: false,
  }),
};

for (const [what, way] of Object.entries(WAYS)) {
  test.serial(`when Redis ${what}, no accepted invocation is lost, and calls succeed again`, async (t) => {
    const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '2' });
    t.teardown(cluster.close);
    const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
    const operator = new Redis(cluster.redis.url, { maxRetriesPerRequest: null });
    t.teardown(() => operator.disconnect());
    const { begin, end, refuses } = way(await freePort());
    t.is((await web.api.deploy('probe', await probeWasm())).status, 201);
    const accepted: string[] = [];
    const answers = new Map<number, number>();
    let over = false;
    const client = async () => {
      for (let n = 0; !over; n++) {
        const input = commands({ op: 'sleep', n: 30 }, { op: 'echo', a: String(n) });
        const { status, json, text } = await web.api.invoke('probe', input, n % 2 === 0 ? ASYNC : {});
        answers.set(status, (answers.get(status) ?? 0) + 1);
        if (status === 202) accepted.push(json.request_id);
        if (status === 503)
          t.regex(json.error, /^[^:]*(queue|Redis)[^:]*(nothing was accepted|try again)/i, text);
        await delay(10);
      }
    };
    const clients = Array.from({ length: 6 }, client);
    await until('calls are accepted', () => accepted.length > 20);
    for (const [name, ...args] of begin) {
      await operator.call(String(name), ...args);
      if (!refuses) await delay(FOR_MS / begin.length);
    }
    if (refuses) {
      await until('calls are refused', () => (answers.get(503) ?? 0) > 0);
      await until('health is 503', async () => (await web.api.get('/health')).status === 503);
      await delay(FOR_MS);
    }
    for (const [name, ...args] of end) await operator.call(String(name), ...args);
    const answered = answers.get(200) ?? 0;
    await until('calls succeed again', () => (answers.get(200) ?? 0) > answered + 10);
    over = true;
    await Promise.all(clients);
    t.log([...answers].map(([status, times]) => `${status}: ${times}`).join(', '));
    t.deepEqual(
      [...answers.keys()].filter((status) => ![200, 202, 503].includes(status)),
      [],
    );
    for (const id of accepted) {
      const { state, attempts } = await until(`${id} has ended`, async () => {
        const { json, status } = await web.api.get(`/v1/invocations/${id}`);
        if (status === 404) return { state: 'lost', attempts: [] };
        return ENDED.includes(json.state) && json;
      });
      t.is(state, 'success', JSON.stringify(attempts));
    }
    await until('health is ok again', async () => (await web.api.get('/health')).json.status === 'ok');
    t.is(await worker.stop(), 0, worker.log());
    t.is(await web.stop(), 0, web.log());
  });
}

test.serial('/health says of every part why Redis takes no writes, not that it is away', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const { api } = await cluster.web();
  const operator = new Redis(cluster.redis.url, { maxRetriesPerRequest: null });
  t.teardown(() => operator.disconnect());
  const parts = ['queue', 'cache'];
  const said = async () => {
    const { dependencies } = (await api.get('/health')).json;
    return parts.map((part) => dependencies[part].error);
  };
  await operator.config('SET', 'maxmemory', '1mb');
  for (const error of await said()) t.regex(error, /^Redis takes no writes: its memory is full/);
  await operator.config('SET', 'maxmemory', '0');
  await operator.replicaof('127.0.0.1', await freePort());
  for (const error of await said()) t.regex(error, /^Redis takes no writes: it is a replica/);
  await operator.replicaof('NO', 'ONE');
  await until('all are up', async () => (await api.get('/health')).status === 200);
});
