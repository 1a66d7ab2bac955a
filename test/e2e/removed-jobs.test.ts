import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createRedisBackend, Queue, withBackend } from 'bullmq';
import { createSqliteBackend } from '../../queues/drivers/sqlite/backend/create-backend.js';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

/** The part of BullMQ's API that its tools, such as Bull Board, use. */
type Tool = Pick<Queue, 'remove' | 'drain' | 'clean' | 'obliterate' | 'close'>;

const ASYNC = { prefer: 'respond-async' };
const LATER = { ...ASYNC, 'x-delay-seconds': '3600' };
const MESSAGE = 'its job was removed from the queue, or finished, by another program';
/** The first job holds the only slot, so that others wait. */
const SETTINGS = { WORKER_CONCURRENCY: '1', WORKER_THREADS: '1' };

test('embedded: an invocation whose job is removed with a BullMQ tool is recorded as cancelled', async (t) => {
  const engine = await startEngine({ env: SETTINGS });
  t.teardown(engine.close);
  const Bull = withBackend(createSqliteBackend);
  const connection = { path: join(engine.dataDir, 'queue.db') };
  const open = (name: string) => new Bull.Queue(name, { connection });
  await seesWhatIsRemoved(t, engine.api, open);
  // This one is not requested before the engine has been restarted.
  const { json } = await engine.api.invoke('probe', '[]', LATER);
  const tool = open('async');
  await tool.remove(json.request_id);
  await tool.close();
  await engine.kill9();
  const again = await startEngine({ dataDir: engine.dataDir, env: SETTINGS });
  t.teardown(again.close);
  t.is((await again.api.get(`/v1/invocations/${json.request_id}`)).json.state, 'cancelled');
});

test('web and worker: an invocation whose job is removed with a BullMQ tool is recorded as cancelled', async (t) => {
  const cluster = await startCluster(SETTINGS);
  t.teardown(cluster.close);
  const [web] = await Promise.all([cluster.web(), cluster.worker()]);
  const { hostname: host, port } = new URL(cluster.redis.url);
  await seesWhatIsRemoved(t, web.api, (name) => {
    const options = { connection: { host, port: Number(port) }, prefix: '{orama}' };
    return new Queue(name, options, createRedisBackend);
  });
});

async function seesWhatIsRemoved(t: ExecutionContext, api: Api, open: (name: string) => Tool) {
  const tool = open('async');
  const calls = open('sync');
  t.teardown(async () => {
    await tool.close();
    await calls.close();
  });
  const wasm = await probeWasm();
  await api.deploy('probe', wasm, { timeout_seconds: '300' });
  await api.deploy('fails', wasm, { retry_count: '1', retry_delay_seconds: '3600' });
  const send = async (name: string, input: string, headers = ASYNC) =>
    (await api.invoke(name, input, headers)).json.request_id as string;
  const isCancelled = async (what: string, id: string) => {
    const reply = await api.get(`/v1/invocations/${id}`);
    t.like(reply.json, { state: 'cancelled', error: MESSAGE, request_id: id }, `${what}: ${reply.text}`);
    t.truthy(reply.json.completed_at, what);
    const listed = await api.get(`/v1/invocations?status=cancelled&function=${reply.json.function}`);
    t.true(listed.text.includes(id), `${what} is not listed`);
    const ended = await api.delete(`/v1/invocations/${id}`);
    t.is(ended.status, 409, what);
    return reply.json;
  };

  const retried = await send('fails', commands({ op: 'exit', n: 1 }));
  await until('the job is between two attempts', async () => {
    const { json } = await api.get(`/v1/invocations/${retried}`);
    return json.state === 'retrying';
  });
  const delayed = await send('probe', '[]', LATER);
  const running = await send('probe', commands({ op: 'sleep', n: 280_000 }));
  await until('the slot is held', async () => {
    return (await api.get(`/v1/invocations/${running}`)).json.state === 'running';
  });
  // More than are prefetched.
  const waiting = [];
  for (let n = 0; n < 6; n++) waiting.push(await send('probe', commands({ op: 'echo', a: 'waited' })));

  await tool.remove(retried);
  const record = await isCancelled('between two attempts', retried);
  t.is(record.attempts.length, 1);
  await tool.remove(delayed);
  await isCancelled('delayed, before its first attempt', delayed);

  await tool.drain(true);
  const inHand = [];
  for (const id of waiting) {
    const { json } = await api.get(`/v1/invocations/${id}`);
    if (json.state === 'cancelled') await isCancelled('drained', id);
    else inHand.push(id);
  }
  t.true(inHand.length < waiting.length, 'none was drained');

  const cleaned = await send('probe', '[]', LATER);
  await tool.clean(0, 100, 'delayed');
  await isCancelled('cleaned', cleaned);

  // Waiting callers get a reply. The first job has the slot; the worker has prefetched some of the
  // others.
  const answered = new Map<string, number>();
  const ids = Array.from({ length: 6 }, () => randomUUID());
  void api.invoke('probe', commands({ op: 'sleep', n: 280_000 })).catch(() => undefined);
  for (const id of ids) {
    const asked = api.invoke('probe', '[]', { 'x-request-id': id });
    asked.then(({ status }) => answered.set(id, status)).catch(() => undefined);
    await until('the call is accepted', async () => (await api.get(`/v1/invocations/${id}`)).status === 200);
  }
  await calls.drain();
  // Nobody asks for these invocations: the process that holds the calls finds out by itself.
  await until('a drained call is answered', () => [...answered.values()].includes(499));

  const last = await send('probe', '[]', LATER);
  await tool.obliterate({ force: true });
  await isCancelled('obliterated', last);
  t.like((await api.get('/health')).json, { status: 'ok' });
}
