import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { eventually } from '../helpers/eventually.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';

const EVENTS = 120;
const LARGE = 'x'.repeat(700_000);

test('a worker that runs out of memory says so as it ends, and another does all that was acknowledged', async (t) => {
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '1' });
  t.teardown(cluster.close);
  const web = await cluster.web();
  await web.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  // Each is small; all that it takes at once, inputs, outputs and their rows, is more than it has.
  const small = await cluster.worker({
    NODE_OPTIONS: '--max-old-space-size=48',
    WORKER_CONCURRENCY: '128',
  });
  const ended = small.ended();
  for (let n = 0; n < EVENTS; n += 1) {
    const { status, text } = await web.api.publish('work', [
      { op: 'log', a: `event ${n}` },
      { op: 'echo', a: LARGE },
    ]);
    t.is(status, 200, text);
  }
  t.not(await ended, 0);
  t.regex(small.log(), /heap out of memory/);

  await cluster.worker();
  const done = await eventually('all have run', async () => {
    const records = await loggedAttempts(web.api, 'probe', '&status=success');
    const events = new Set(records.map(({ messages }) => messages[0]?.message));
    return events.size >= EVENTS && events;
  });
  t.is(done.size, EVENTS);
  const echo = await web.api.invoke('probe', commands({ op: 'echo', a: 'x' }));
  t.is(echo.status, 200);
});
