import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

test('when web is killed under waiting calls, their jobs finish and another web has the results', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [a, b] = await Promise.all([cluster.web(), cluster.web(), cluster.worker()]);
  await a.api.deploy('probe', await probeWasm());
  // The ids are chosen by the client, since the responses never arrive.
  const ids = Array.from({ length: 10 }, () => crypto.randomUUID());
  const failing = crypto.randomUUID();
  const calls = ids.map((id, n) =>
    call(id, commands({ op: 'sleep', n: 3000 }, { op: 'echo', a: `result ${n}` })),
  );
  calls.push(call(failing, commands({ op: 'sleep', n: 3000 }, { op: 'exit', n: 1 })));
  await until('all are accepted', async () => {
    const { json } = await b.api.get('/v1/invocations?status=running');
    return json.count === ids.length + 1;
  });
  await a.kill9();
  t.deepEqual(new Set(await Promise.all(calls)), new Set(['broken']));

  for (const [n, id] of ids.entries()) {
    const ended = await outcome(id);
    t.is(ended.state, 'success');
    t.is(ended.output, JSON.stringify({ results: [null, `result ${n}`] }));
  }
  // A failure whose reply was not delivered is a dead letter.
  t.is((await outcome(failing)).state, 'dead');

  async function call(id: string, input: string): Promise<string> {
    try {
      return String((await a.api.invoke('probe', input, { 'x-request-id': id })).status);
    } catch {
      return 'broken';
    }
  }
  function outcome(id: string) {
    return until('it has ended', async () => {
      const { json } = await b.api.get(`/v1/invocations/${id}`);
      return json.completed_at && json;
    });
  }
});
