import test from 'ava';
import { startCluster, type WebProcess } from '../helpers/cluster.js';
import { gateServer } from '../helpers/gate-server.js';
import { httpGuest } from '../helpers/http-guest.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

test('when a web process is killed, its sync calls finish and another web process returns their results', async (t) => {
  const cluster = await startCluster({ EGRESS_ALLOW: '127.0.0.1', WORKER_PARKED: '16' });
  t.teardown(cluster.close);
  const gate = await gateServer(t);
  const [a, b] = await Promise.all([cluster.web(), cluster.web(), cluster.worker()]);
  await a.api.deploy('probe', await probeWasm(), { timeout_seconds: '300' });
  // The ids are chosen by the client, since the responses never arrive.
  const ids = Array.from({ length: 10 }, () => crypto.randomUUID());
  const failing = crypto.randomUUID();
  const calls = ids.map((id, n) => call(id, commands(gate.wait, { op: 'echo', a: `result ${n}` })));
  calls.push(call(failing, commands(gate.wait, { op: 'exit', n: 1 })));
  await until('all calls run', () => gate.visitors() === ids.length + 1);
  await a.kill9();
  gate.open();
  t.deepEqual(new Set(await Promise.all(calls)), new Set(['broken']));

  for (const [n, id] of ids.entries()) {
    const ended = await outcome(id);
    t.is(ended.state, 'success');
    t.is(JSON.parse(ended.output).results[1], `result ${n}`);
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
    return until('the invocation has ended', async () => {
      const { json } = await b.api.get(`/v1/invocations/${id}`);
      return json.completed_at && json;
    });
  }
});

test('webhooks retried at another web process after the first is killed run once per event', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [a, b] = await Promise.all([cluster.web(), cluster.web(), cluster.worker()]);
  const metadata = JSON.stringify({ http: { mode: 'async', idempotency: 'X-Event' } });
  const { status } = await a.api.deploy('hook', await httpGuest(), { is_public: 'true', metadata });
  t.is(status, 201);
  const events = Array.from({ length: 40 }, (_, n) => `event-${n}`);
  const first = await senderOf(a);
  const sent = events.map(first);
  // At that time some events have a response, some are queued without one, and some are lost.
  await Promise.race(sent);
  await a.kill9();
  const answers = await Promise.all(sent);
  t.true(answers.some((answer) => answer?.status === 202));

  const again = await Promise.all(events.map(await senderOf(b)));
  for (const [n, answer] of again.entries()) {
    t.is(answer?.status, 202);
    const before = answers[n];
    if (before) t.is(answer?.id, before.id, 'an acknowledged event keeps its invocation');
  }
  const ended = await until('all events have run', async () => {
    const { json } = await b.api.get('/v1/invocations?function=hook&limit=500');
    const all: { state: string }[] = json.invocations;
    return all.length >= events.length && all.every(({ state }) => state === 'success') && all;
  });
  t.is(ended.length, events.length, 'as many invocations as events');
});

/** Returns a function that sends an event to an HTTP function; null if there is no response. */
async function senderOf({ api }: WebProcess) {
  const { functions_url: base } = (await api.get('/v1/status')).json;
  return async (event: string): Promise<{ status: number; id: string | null } | null> => {
    try {
      const response = await fetch(`${base}/default/hook`, {
        method: 'POST',
        headers: { 'x-event': event },
        body: JSON.stringify({ event }),
      });
      await response.arrayBuffer();
      return { status: response.status, id: response.headers.get('x-request-id') };
    } catch {
      return null;
    }
  };
}
