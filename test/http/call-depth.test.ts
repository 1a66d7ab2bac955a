import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { httpServer } from '../helpers/http-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } });

/** Starts a server that records the depth header of each request. */
async function depthRecorder() {
  const seen: (string | undefined)[] = [];
  const server = await httpServer((request, response) => {
    seen.push(request.headers['x-orama-depth'] as string | undefined);
    response.end();
  });
  return { ...server, seen };
}

/** The headers that functions send, by depth. */
let signed: string[] = [];

// Read from one chain of calls: several at once take up the slots of the worker, as each call waits
// for the next one.
test.before(async () => {
  const running = await engine();
  const tenant = await aTenantWithProbe(running, { is_public: 'true' });
  const server = await depthRecorder();
  const self = `${running.url}/v1/invoke/${tenant.namespace}/probe`;
  const record = { op: 'fetch', a: 'GET', b: server.url, json: '' };
  let input: unknown = [record];
  for (let depth = 0; depth < 5; depth += 1) {
    input = [record, { op: 'fetch', a: 'POST', b: self, json: input }];
  }
  await tenant.invoke('probe', JSON.stringify(input));
  await server.close();
  signed = server.seen.map(String);
  if (signed.length !== 6) throw new Error(`the chain has ${signed.length} calls`);
});

function signedAt(depth: number): string {
  return signed[depth] ?? '';
}

async function depthOf(api: Api, id: string): Promise<number> {
  return until('the invocation', async () => {
    const { status, json } = await api.get(`/v1/invocations/${id}`);
    return status === 200 && json.trigger_depth;
  });
}

test('a run of a schedule that a function requests is one level deeper, and refused at the greatest depth', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json } = await api.post('/v1/functions/probe/triggers', { cron: '0 0 1 1 *' });
  const run = (depth?: string) =>
    api.post(
      `/v1/functions/probe/triggers/${json.trigger.id}/run`,
      {},
      depth ? { 'x-orama-depth': depth } : {},
    );
  const byPerson = await run();
  t.is(await depthOf(api, byPerson.json.request_id), 1);
  const deeper = await run(signedAt(3));
  t.is(await depthOf(api, deeper.json.request_id), 4);
  const record = (await api.get(`/v1/invocations/${deeper.json.request_id}`)).json;
  t.is(JSON.parse(record.input).trigger_depth, 4, record.input);
  const refused = await run(signedAt(5));
  t.is(refused.status, 508, refused.text);
  t.is(refused.json.code, 'loop_detected');
});

test('a callback carries the depth of its invocation, so that loops through callbacks end', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const server = await depthRecorder();
  t.teardown(() => server.close());
  const call = (depth: string) =>
    api.invoke('probe', commands({ op: 'echo', a: 'x' }), {
      ...{ prefer: 'respond-async', 'x-callback-url': server.url },
      ...(depth === '' ? {} : { 'x-orama-depth': depth }),
    });
  const [at0, at4, at5] = [signedAt(0), signedAt(4), signedAt(5)];
  t.is((await call('')).status, 202);
  t.is(await until('the callback', async () => server.seen[0]), at0);
  t.is((await call(at4)).status, 202);
  t.is(await until('the callback', async () => server.seen[1]), at5);
  t.is((await call(at5)).status, 508);
});

test('the end of a rollout that a function aborts fires triggers at a greater depth, and none beyond the limit', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('probe', await probeWasm());
  await api.deploy('listener', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'orama:rollout' }] }),
  });
  const abortAt = async (depth: string) => {
    const started = await api.post('/v1/functions/probe/rollout', {
      to: 1,
      steps: [50],
      every_seconds: 3600,
    });
    t.is(started.status, 202, started.text);
    const headers = { 'x-orama-depth': depth };
    t.is((await api.request('DELETE', '/v1/functions/probe/rollout', { headers })).status, 200);
  };
  await abortAt(signedAt(5));
  await abortAt(signedAt(3));
  const depths = await until('the listener runs', async () => {
    const { json } = await api.get('/v1/invocations?function=listener');
    return json.count > 0 && json.invocations.map((one: JsonValue) => one.trigger_depth);
  });
  t.deepEqual(depths, [4]);
});
