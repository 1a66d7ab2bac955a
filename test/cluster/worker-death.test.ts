import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { httpServer } from '../helpers/http-server.js';
import { type LoggedAttempt, loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const EVENTS = 1000;
/**
 * Short, so that a killed worker's jobs are soon taken over; longer than most pauses of a busy
 * machine.
 */
const QUICK = { QUEUE_LOCK_SECONDS: '2' };

test.serial(
  '1,000 events all run and are logged after one of two workers is killed with SIGKILL',
  async (t) => {
    const cluster = await startCluster({ ...QUICK, WORKER_CONCURRENCY: '8' });
    t.teardown(cluster.close);
    const web = await cluster.web();
    await web.api.deploy('probe', await probeWasm(), {
      metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
    });
    // All events are queued before a worker starts, and two workers need seconds for them.
    for (let from = 0; from < EVENTS; from += 100) {
      const published = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          web.api.publish('work', [
            { op: 'sleep', n: 100 },
            { op: 'log', a: `event ${from + n}` },
          ]),
        ),
      );
      t.true(published.every(({ status }) => status === 200));
    }
    const [victim] = await Promise.all([cluster.worker(), cluster.worker()]);
    await until('some events have run', async () => (await waiting()) < EVENTS * 0.95);
    await victim.kill9();
    const killedAt = Date.now();
    const left = await waiting();
    t.true(left > 0, 'all events had run before the kill');

    const done = await until(
      'all events have run',
      async () => {
        const found = await succeeded();
        return events(found).size >= EVENTS && found;
      },
      280_000,
    );
    t.is(events(done).size, EVENTS);
    t.is(new Set(done.map(({ request_id }) => request_id)).size, EVENTS);

    // For those that were running in the killed worker, the crash is logged as an attempt and the
    // next run has the next number.
    const crashes = (await loggedAttempts(web.api, 'probe', '&status=error')).filter(
      ({ error }) => error === 'worker died',
    );
    t.log(
      `${left} waited after the kill, ${crashes.length} died with it, over after ${Date.now() - killedAt} ms`,
    );
    t.true(crashes.length > 0, 'the killed worker ran nothing');
    for (const id of new Set(crashes.map(({ request_id }) => request_id))) {
      // The other worker may lose a job as well, when a busy machine does not run it for long.
      const attempts = crashes.filter(({ request_id }) => request_id === id).map(({ attempt }) => attempt);
      t.deepEqual(
        attempts.toSorted((one, other) => one - other),
        attempts.map((_, at) => at + 1),
      );
      t.is(done.find((record) => record.request_id === id)?.attempt, attempts.length + 1);
    }

    function succeeded() {
      return loggedAttempts(web.api, 'probe', '&status=success');
    }

    async function waiting(): Promise<number> {
      return (await web.api.get('/v1/status')).json.queue.waiting;
    }
  },
);

test.serial(
  'an invocation that was running in three killed workers is dead after three attempts',
  async (t) => {
    // The guest calls this server, which never responds, and is thereby known to run. A job that
    // is only reported as running may still be waiting for its slot, and is then no suspect.
    const asked = await httpServer(() => {});
    t.teardown(asked.close);
    const cluster = await startCluster({ ...QUICK, EGRESS_ALLOW: '127.0.0.1' });
    t.teardown(cluster.close);
    const web = await cluster.web();
    await web.api.deploy('probe', await probeWasm(), { retry_count: '5' });
    const { json } = await web.api.invoke('probe', commands({ op: 'fetch', a: 'GET', b: asked.url }), {
      prefer: 'respond-async',
    });
    const id = json.request_id;
    const takeovers: number[] = [];
    const kills: number[] = [];
    for (const crashes of [0, 1, 2]) {
      const worker = await cluster.worker();
      await until(`the guest runs after ${crashes} crashes`, () => asked.connections() > crashes);
      const { json: now } = await web.api.get(`/v1/invocations/${id}`);
      t.is(now.state, 'running');
      t.is(now.attempts.length, crashes);
      if (crashes > 0) takeovers.push(Date.now() - (kills.at(-1) ?? 0));
      kills.push(Date.now());
      await worker.kill9();
    }
    t.log(`taken over after ${takeovers.join(' and ')} ms, the start of a worker included`);
    await cluster.worker();
    const dead = await until('the invocation has ended', async () => {
      const { json: now } = await web.api.get(`/v1/invocations/${id}`);
      return now.completed_at && now;
    });
    t.is(dead.state, 'dead');
    t.deepEqual(
      dead.attempts.map(({ number }: { number: number }) => number),
      [1, 2, 3],
    );
    for (const [index, { started_at: began }] of dead.attempts.entries()) {
      t.true(Date.parse(began) <= (kills[index] ?? 0), `attempt ${index + 1} began after its worker died`);
    }
    t.regex(dead.error, /worker died/);
    const listed = await web.api.get('/v1/invocations?status=dead&reason=worker_died');
    t.is(listed.json.invocations[0].request_id, id);
    for (const { error } of await loggedAttempts(web.api, 'probe')) t.regex(error ?? '', /worker died/);
  },
);

test.serial('only the invocation that was running during all three worker crashes is dead', async (t) => {
  const HARMLESS = 120;
  // The guilty job calls this server, which never responds, and is thereby known to run.
  const asked = await httpServer(() => {});
  t.teardown(asked.close);
  const settings = { WORKER_CONCURRENCY: '16', EGRESS_ALLOW: '127.0.0.1' };
  const cluster = await startCluster({ ...QUICK, ...settings });
  t.teardown(cluster.close);
  const web = await cluster.web();
  await web.api.deploy('guilty', await probeWasm());
  await web.api.deploy('harmless', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  const { json } = await web.api.invoke('guilty', commands({ op: 'fetch', a: 'GET', b: asked.url }), {
    prefer: 'respond-async',
  });
  const publish = () =>
    Promise.all(
      Array.from({ length: HARMLESS / 3 }, () => web.api.publish('work', [{ op: 'sleep', n: 100 }])),
    );
  for (const crashes of [0, 1, 2]) {
    await publish();
    const worker = await cluster.worker();
    await until(
      `the guilty invocation runs after ${crashes} crashes`,
      async () => asked.connections() > crashes,
    );
    await worker.kill9();
  }
  await cluster.worker();
  await until('the guilty invocation is dead', async () => {
    const { json: now } = await web.api.get(`/v1/invocations/${json.request_id}`);
    return now.state === 'dead' && now.attempts.length === 3;
  });
  await until('all harmless invocations have run', async () => {
    const { json: page } = await web.api.get('/v1/invocations?function=harmless&status=success&limit=200');
    return page.count === HARMLESS;
  });
  const dead = await web.api.get('/v1/invocations?status=dead');
  t.deepEqual(
    dead.json.invocations.map(({ request_id }: { request_id: string }) => request_id),
    [json.request_id],
  );
});

function events(records: readonly LoggedAttempt[]): Set<string> {
  return new Set(records.flatMap(({ messages }) => messages.map(({ message }) => message)));
}

test.serial('a worker resumed after its job was taken over cannot settle that job', async (t) => {
  // Longer, so that the second worker keeps the job also on a busy machine.
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '4' });
  t.teardown(cluster.close);
  const [web, sleeper] = await Promise.all([cluster.web(), cluster.worker()]);
  await web.api.deploy('probe', await probeWasm());
  const { json } = await web.api.invoke('probe', commands({ op: 'sleep', n: 8000 }), {
    prefer: 'respond-async',
  });
  const show = async () => (await web.api.get(`/v1/invocations/${json.request_id}`)).json;
  await until('the invocation runs', async () => (await show()).state === 'running');
  sleeper.freeze();
  await cluster.worker();
  await until('another worker has taken over', async () => (await show()).attempts.length > 0);
  sleeper.thaw();
  const ended = await until('the invocation has ended', async () => {
    const now = await show();
    return now.completed_at && now;
  });
  t.is(ended.state, 'success');
  // The guest keeps running, and its end changes nothing.
  t.is(await sleeper.stop(), 0, sleeper.log());
  t.deepEqual(await show(), ended);
  t.deepEqual(
    ended.attempts.map(({ number, status, error }: Record<string, unknown>) => [number, status, error]),
    [
      [1, 'error', 'worker died'],
      [2, 'success', null],
    ],
  );
});
