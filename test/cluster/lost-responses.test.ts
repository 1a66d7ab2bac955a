import test from 'ava';
import { Redis } from 'ioredis';
import type { ApiReply } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startRedis } from '../helpers/redis-server.js';
import { startEngine } from '../helpers/running-engine.js';
import { tcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/until.js';

test('a call with an unconfirmed acceptance runs once when repeated with its Idempotency-Key', async (t) => {
  const redis = await startRedis();
  t.teardown(redis.close);
  const proxy = await tcpProxy(redis.port);
  const engine = await startEngine({ env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}/0` } });
  t.teardown(async () => {
    proxy.restore();
    await engine.close();
    await proxy.close();
  });
  await engine.api.deploy('probe', await probeWasm());
  const input = commands({ op: 'echo', a: 'once' });
  t.is((await engine.api.invoke('probe', input)).status, 200);

  const call = () =>
    engine.api.invoke('probe', input, { 'Idempotency-Key': 'order-1', Prefer: 'respond-async' });
  const redisItself = new Redis(redis.url);
  t.teardown(() => redisItself.disconnect());
  const jobs = async () => (await redisItself.keys('{orama}:async:*-*-*-*-*')).length;
  const before = await jobs();
  proxy.dropResponses();
  const calling = call();
  // The response of the add, and everything else from Redis, never arrives.
  await until('the job is added', async () => (await jobs()) > before);
  proxy.cut();
  const first = await calling;
  t.is(first.status, 503, first.text);
  t.is(first.json.code, 'ambiguous_write');
  const [id] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(first.json.error) ?? [];
  t.is(first.json.request_id, id);
  t.is(first.headers.get('x-request-id'), id ?? '');

  proxy.restore();
  let repeated: ApiReply | undefined;
  await until('the engine reaches Redis', async () => {
    repeated = await call();
    return repeated.status !== 503;
  });
  t.is(repeated?.json.request_id, id, repeated?.text);
  await until(
    'the invocation has ended',
    async () => (await engine.api.get(`/v1/invocations/${id}`)).json.state === 'success',
  );
  const { json } = await engine.api.get('/v1/invocations?function=probe');
  t.is(json.count, 2, 'the first call and this one');
});
