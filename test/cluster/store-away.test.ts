import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Redis } from 'ioredis';
import { startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startRqlite } from '../helpers/rqlited.js';
import { until } from '../helpers/until.js';

const AWAY_MS = 10_000;
const CALLERS = 4;

onRqlite('invocations continue while the database is down', (binary) => {
  test.serial('a process whose FUNCTION_DB_URL equals its RQLITE_URL exits with 1 at start', async (t) => {
    const rqlite = await startRqlite(binary);
    t.teardown(rqlite.close);
    const [url = ''] = rqlite.urls;
    const cluster = await startCluster({ RQLITE_URL: url, FUNCTION_DB_URL: url });
    t.teardown(cluster.close);
    for (const start of [cluster.web, cluster.worker]) {
      await t.throwsAsync(start(), { message: /ended with 1: .*the engine keeps its own tables/s });
    }
  });

  test.serial(
    'a repeated request does not run again while the end of the first one is in the backlog',
    async (t) => {
      const rqlite = await startRqlite(binary);
      t.teardown(rqlite.close);
      const cluster = await startCluster({ RQLITE_URL: rqlite.urls.join(',') });
      t.teardown(cluster.close);
      const [web, first] = await Promise.all([cluster.web(), cluster.worker()]);
      await web.api.deploy('probe', await probeWasm());
      const count = commands({ op: 'sleep', n: 1500 }, { op: 'cache_incr', a: 'runs', n: 1 });
      const send = () =>
        web.api.invoke('probe', count, { prefer: 'respond-async', 'idempotency-key': 'only-once' });
      // From here on the worker needs nothing of the store to run the function.
      t.is((await web.api.invoke('probe', '[]')).status, 200);
      const accepted = await send();
      t.is(accepted.status, 202, accepted.text);

      const [node] = rqlite.nodes;
      await node?.kill('SIGKILL');
      const runs = async () => (await web.api.post('/v1/cache/get', { dmap: 'default', key: 'runs' })).json;
      const redis = new Redis(cluster.redis.url);
      t.teardown(() => redis.disconnect());
      await until('the end is in the backlog', async () => (await redis.xlen('{orama}:backlog')) > 0);
      // While the job is on the queue, a repetition is answered with its id.
      await until('the job has left', async () => (await redis.llen('{orama}:async:active')) === 0);
      // Nobody moves the record to the store.
      first.freeze();
      await node?.start();
      await until('the store answers', async () => (await web.api.get('/v1/functions')).status === 200);
      const early = await send();
      t.is(early.status, 503, early.text);
      t.is(early.json.code, 'unavailable');

      first.thaw();
      await until('the record is in the store', async () => (await send()).status === 202);
      t.is((await send()).json.request_id, accepted.json.request_id);
      t.is((await runs()).value, 1);
    },
  );

  test.serial(
    'calls succeed and are logged through a killed RQLite leader and 10 s without any node',
    async (t) => {
      const rqlite = await startRqlite(binary, 3);
      t.teardown(rqlite.close);
      const cluster = await startCluster({ RQLITE_URL: rqlite.urls.join(',') });
      t.teardown(cluster.close);
      const [web] = await Promise.all([cluster.web(), cluster.worker(), cluster.worker()]);
      await web.api.deploy('probe', await probeWasm());

      const answered: { id: string; at: number }[] = [];
      const failed: string[] = [];
      let loading = true;
      const caller = async () => {
        while (loading) {
          const { status, text, headers } = await web.api.invoke('probe', commands({ op: 'echo', a: 'x' }));
          if (status === 200) answered.push({ id: headers.get('x-request-id') ?? '', at: Date.now() });
          else failed.push(`${status} ${text}`);
          await sleep(50);
        }
      };
      const callers = Array.from({ length: CALLERS }, caller);
      await until('load', async () => answered.length > 50);

      const leader = await rqlite.leader();
      const killedAt = Date.now();
      await leader.kill('SIGKILL');
      await rqlite.leader();
      await until('a write succeeds after the election', async () => {
        const { status } = await web.api.put('/v1/functions/secrets', { name: 'AFTER', value: 'x' });
        return status === 200;
      });
      const outage = Date.now() - killedAt;
      await leader.start();

      const frozenAt = Date.now();
      for (const node of rqlite.nodes) node.freeze();
      await sleep(AWAY_MS);
      for (const node of rqlite.nodes) node.thaw();
      const thawedAt = Date.now();
      loading = false;
      await Promise.all(callers);

      const during = answered.filter(({ at }) => at > frozenAt && at < thawedAt).length;
      const before = answered.filter(({ at }) => at <= killedAt);
      const rate = before.length / ((killedAt - (before[0]?.at ?? killedAt)) / 1000);
      t.deepEqual(failed, []);
      t.true(during > 0);

      await until('all calls are logged', async () => {
        const pages = await Promise.all(answered.map(({ id }) => recordsOf(id)));
        return pages.every((records) => records.length === 1);
      });
      t.log(
        `writes out for ${outage} ms after the leader; ${Math.round(rate)} calls/s before, ${Math.round(during / (AWAY_MS / 1000))}/s without any node; logs caught up ${Date.now() - thawedAt} ms after`,
      );

      function recordsOf(id: string) {
        return loggedAttempts(web.api, 'probe', `&request_id=${id}`).catch(() => []);
      }
    },
  );
});
