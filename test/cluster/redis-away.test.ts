import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { httpGuest } from '../helpers/http-guest.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const AWAY_MS = 5000;

for (const { how, freeze } of [
  { how: 'unresponsive', freeze: true },
  { how: 'down after SIGKILL', freeze: false },
]) {
  test.serial(
    `with Redis ${how} for 5 s no acknowledged event is lost, and calls succeed again afterwards`,
    async (t) => {
      const cluster = await startCluster();
      t.teardown(cluster.close);
      const [web] = await Promise.all([cluster.web(), cluster.worker(), cluster.worker()]);
      await web.api.deploy('probe', await probeWasm(), {
        metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
      });
      t.is((await web.api.invoke('probe', commands({ op: 'echo', a: 'warm' }))).status, 200);

      const acknowledged = new Set<string>();
      const refusals = new Set<number>();
      const calls = new Map<number, number>();
      let loading = true;
      const publisher = async (who: number) => {
        for (let n = 0; loading; n += 1) {
          const name = `event ${who}-${n}`;
          const { status } = await web.api.publish('work', [
            { op: 'sleep', n: 20 },
            { op: 'log', a: name },
          ]);
          if (status === 200) acknowledged.add(name);
          else refusals.add(status);
          await sleep(20);
        }
      };
      const caller = async () => {
        while (loading) {
          const { status } = await call(web.api);
          calls.set(status, (calls.get(status) ?? 0) + 1);
          await sleep(20);
        }
      };
      const load = [publisher(0), publisher(1), caller(), caller()];
      await until('load', async () => acknowledged.size > 20 && (calls.get(200) ?? 0) > 5);
      const before = acknowledged.size;
      if (freeze) cluster.redis.freeze();
      else await cluster.redis.kill();
      await sleep(AWAY_MS);
      const health = await web.api.get('/health');
      if (freeze) cluster.redis.thaw();
      else await cluster.redis.restart();
      const backAt = Date.now();
      t.is(health.status, 503, health.text);
      const during = acknowledged.size;
      await until('events are accepted again', async () => acknowledged.size > during + 20);
      const recovered = Date.now() - backAt;
      const answered = calls.get(200) ?? 0;
      await until('calls succeed again', async () => (calls.get(200) ?? 0) > answered + 5);
      loading = false;
      await Promise.all(load);

      // Each call was either refused with nothing accepted, or completed.
      t.true(refusals.size > 0);
      t.deepEqual([...refusals], [503]);
      // A call that was accepted just before is not among the refused ones, and no other may be
      // missing.
      const odd = [...calls.keys()].filter((status) => status !== 200 && status !== 503);
      t.deepEqual(odd, []);
      const missing = await until('all acknowledged events have run', async () => {
        const logged = new Set(
          (await loggedAttempts(web.api, 'probe', '&status=success')).map(
            ({ messages }) => messages[0]?.message,
          ),
        );
        const left = [...acknowledged].filter((name) => !logged.has(name));
        return left.length === 0 && left;
      });
      t.deepEqual(missing, []);
      t.is((await web.api.get('/health')).status, 200);
      t.log(
        `${acknowledged.size} events acknowledged, ${before} before; 20 more ${recovered} ms after Redis was back`,
      );
    },
  );
}

/** A call that completes eventually, regardless of its server. */
function call(api: Api): Promise<{ status: number }> {
  return api.invoke('probe', commands({ op: 'echo', a: 'x' }));
}

test.serial(
  'while Redis is down, sync and async HTTP functions get 503 and no invocation is accepted',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const [web] = await Promise.all([cluster.web(), cluster.worker()]);
    for (const [name, http] of Object.entries({ sync: {}, hook: { mode: 'async' } })) {
      const metadata = JSON.stringify({ http });
      const { status } = await web.api.deploy(name, await httpGuest(), { is_public: 'true', metadata });
      t.is(status, 201);
    }
    const { functions_url: base } = (await web.api.get('/v1/status')).json;
    const call = (name: string) => fetch(`${base}/default/${name}`, { method: 'POST', body: '{}' });
    t.is((await call('sync')).status, 200);
    await cluster.redis.kill();
    for (const name of ['sync', 'hook']) {
      const reply = await call(name);
      t.is(reply.status, 503, name);
      t.is(((await reply.json()) as { code: string }).code, 'unavailable', name);
      t.regex(reply.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/, name);
    }
    await cluster.redis.restart();
    await until('the function is served again', async () => (await call('sync')).status === 200);
    t.is((await web.api.get('/v1/invocations?function=hook')).json.count, 0);
  },
);
