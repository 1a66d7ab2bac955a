import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { gateServer } from '../helpers/gate-server.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const CALLERS = 8;

test.serial(
  'a worker and a web process that receive SIGTERM under load exit with 0, and no call fails',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const [stays, leaves, worker] = await Promise.all([
      cluster.web(),
      cluster.web(),
      cluster.worker(),
      cluster.worker(),
    ]);
    await stays.api.deploy('probe', await probeWasm());
    const failed: string[] = [];
    let answered = 0;
    let loading = true;
    // Like a load balancer: a process that accepts no connections is removed.
    let webs = [stays, leaves];
    const caller = async (n: number) => {
      while (loading) {
        const web = webs[n % webs.length] ?? stays;
        try {
          const { status, text } = await web.api.invoke('probe', commands({ op: 'sleep', n: 50 }));
          if (status === 200) answered += 1;
          else failed.push(`${status} ${text}`);
        } catch (error) {
          if (!isRefused(error)) failed.push(String(error instanceof Error ? error.cause : error));
          webs = [stays];
        }
      }
    };
    const callers = Array.from({ length: CALLERS }, (_, n) => caller(n));
    await until('load', async () => answered > 20);
    const stopping = Date.now();
    t.is(await worker.stop(), 0);
    const workerMs = Date.now() - stopping;
    t.is(await leaves.stop(), 0, leaves.log());
    const webMs = Date.now() - stopping - workerMs;
    const then = answered;
    await until('load goes on', async () => answered > then + 10);
    loading = false;
    await Promise.all(callers);
    t.deepEqual(failed, []);
    t.log(`${answered} calls answered; the worker ended after ${workerMs} ms, the web after ${webMs} ms`);
  },
);

test.serial('a process that receives SIGTERM immediately after it is ready exits with 0', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  for (const start of [cluster.web, cluster.worker]) {
    const started = await start();
    t.is(await started.stop(), 0, started.log());
  }
});

test.serial(
  'a job longer than SHUTDOWN_SECONDS returns to the queue and runs on another worker as attempt 1',
  async (t) => {
    const cluster = await startCluster({ SHUTDOWN_SECONDS: '1', EGRESS_ALLOW: '127.0.0.1' });
    t.teardown(cluster.close);
    const gate = await gateServer(t);
    const [web, first] = await Promise.all([cluster.web(), cluster.worker()]);
    await web.api.deploy('probe', await probeWasm());
    const { json } = await web.api.invoke('probe', commands(gate.wait), {
      prefer: 'respond-async',
    });
    const state = async () => (await web.api.get(`/v1/invocations/${json.request_id}`)).json.state;
    await until('the job runs', () => gate.visitors() > 0);
    t.is(await first.stop(), 0);
    t.is(await state(), 'queued');
    gate.open();
    await cluster.worker();
    await until('the job has run', async () => (await state()) === 'success');
    const records = await loggedAttempts(web.api, 'probe');
    t.deepEqual(
      records.map(({ attempt, status }) => [attempt, status]),
      [[1, 'success']],
    );
  },
);

test.serial(
  'a sync call longer than SHUTDOWN_SECONDS gets 202 with the location of the result at shutdown',
  async (t) => {
    const cluster = await startCluster({ SHUTDOWN_SECONDS: '1', EGRESS_ALLOW: '127.0.0.1' });
    t.teardown(cluster.close);
    const gate = await gateServer(t);
    const [web, other] = await Promise.all([cluster.web(), cluster.web(), cluster.worker()]);
    await web.api.deploy('probe', await probeWasm());
    const call = web.api.invoke('probe', commands(gate.wait, { op: 'echo', a: 'late' }));
    await until('the call runs', () => gate.visitors() > 0);
    t.is(await web.stop(), 0);
    const reply = await call;
    gate.open();
    t.is(reply.status, 202, reply.text);
    const ended = await until('the call has completed', async () => {
      const { json } = await other.api.get(reply.headers.get('location') ?? '');
      return json.completed_at && json;
    });
    t.is(JSON.parse(ended.output).results[1], 'late');
  },
);

/**
 * True if the request was not sent: the process no longer listens, or has closed the client's idle
 * connection.
 */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
