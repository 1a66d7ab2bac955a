import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { type Killable, startKillableCluster, startKillableEngine } from '../helpers/killable.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const ROUNDS = 5;
/** Time after the start of a round at which everything is killed; later in each round. */
const KILL_WITHIN_MS = 2500;
const ASYNC = { prefer: 'respond-async' };
const ENDED = ['success', 'error', 'timeout', 'dead', 'cancelled'];
const dataDir = tempDir();

/** The operations that were acknowledged to clients, in the order of rounds. */
interface Changes {
  invoked: string[];
  published: string[];
  deployed: string[];
  /** Without a response: present completely or not at all. */
  maybeDeployed: string[];
  secrets: string[];
  triggers: string[];
  deleted: string[];
  /** Dead letters for which a purge or replay was requested, and whether it was answered. */
  purged: string[];
  replayed: string[];
  rollouts: string[];
}

async function prepare(api: Api, wasm: Uint8Array): Promise<void> {
  const metadata = JSON.stringify({ triggers: [{ topic: 'work' }] });
  const deploys = [
    api.deploy('probe', wasm),
    api.deploy('listener', wasm, { metadata }),
    ...Array.from({ length: ROUNDS }, (_, n) => [
      api.deploy(`dead-purged-${n}`, wasm),
      api.deploy(`dead-replayed-${n}`, wasm),
      api.deploy(`gone-${n}`, wasm),
      api.deploy(`rolled-${n}`, wasm),
    ]).flat(),
  ];
  for (const { status, text } of await Promise.all(deploys)) if (status !== 201) throw new Error(text);
  for (let n = 0; n < ROUNDS; n++) {
    await api.deploy(`rolled-${n}`, wasm);
    const alias = await api.put(`/v1/functions/rolled-${n}/aliases/live`, { version: 1 });
    if (alias.status >= 300) throw new Error(alias.text);
    for (const name of [`dead-purged-${n}`, `dead-replayed-${n}`]) {
      await Promise.all(
        Array.from({ length: 5 }, () => api.invoke(name, commands({ op: 'exit', n: 1 }), ASYNC)),
      );
    }
  }
  await until('all of these invocations are dead', async () => {
    const { json } = await api.get('/v1/invocations?status=dead&limit=100');
    return json.count === ROUNDS * 10;
  });
}

/** Performs all operations concurrently until the engine is killed. */
function work(api: Api, round: number, wasm: Uint8Array, changes: Changes): Promise<unknown> {
  const again = async (act: (n: number) => Promise<void>) => {
    for (let n = 0; ; n++) {
      try {
        await act(n);
      } catch {
        return;
      }
    }
  };
  const once = (act: () => Promise<void>) => act().catch(() => undefined);
  const name = (n: number) => `r${round}-${n}`;
  return Promise.all([
    ...Array.from({ length: 4 }, (_, client) =>
      again(async (n) => {
        const input = commands({ op: 'log', a: `invoke ${client} ${name(n)}` });
        const { status, json } = await api.invoke('probe', input, ASYNC);
        if (status === 202) changes.invoked.push(json.request_id);
      }),
    ),
    ...Array.from({ length: 2 }, (_, client) =>
      again(async (n) => {
        const label = `event ${client} ${name(n)}`;
        const { status } = await api.publish('work', [{ op: 'log', a: label }]);
        if (status === 200) changes.published.push(label);
      }),
    ),
    again(async (n) => {
      // Each has its own memory limit, so that its module is prepared anew.
      const fields = { memory_limit_mb: String(64 + ((round * 40 + n) % 190)) };
      changes.maybeDeployed.push(name(n));
      const { status } = await api.deploy(name(n), wasm, fields);
      if (status === 201) changes.deployed.push(name(n));
    }),
    again(async (n) => {
      const { status } = await api.put('/v1/functions/secrets', { name: `S_${round}_${n}`, value: name(n) });
      if (status === 200) changes.secrets.push(`S_${round}_${n}`);
    }),
    again(async (n) => {
      const { status, json } = await api.post('/v1/functions/probe/triggers', { topic: `t:${name(n)}` });
      if (status === 201) changes.triggers.push(json.trigger.id);
    }),
    once(async () => {
      await delay(50 * round);
      const { status } = await api.delete(`/v1/functions/dead-purged-${round}/dead`);
      if (status === 200) changes.purged.push(`dead-purged-${round}`);
    }),
    once(async () => {
      await delay(50 * round);
      const { status } = await api.post(`/v1/functions/dead-replayed-${round}/dead/replay`, {});
      if (status === 202) changes.replayed.push(`dead-replayed-${round}`);
    }),
    once(async () => {
      await delay(50 * round);
      const { status } = await api.delete(`/v1/functions/gone-${round}`);
      if (status === 200) changes.deleted.push(`gone-${round}`);
    }),
    once(async () => {
      await delay(50 * round);
      const plan = { to: 2, steps: [50], every_seconds: 1, min_calls: 1 };
      const { status } = await api.post(`/v1/functions/rolled-${round}/rollout`, plan);
      if (status === 202) changes.rollouts.push(`rolled-${round}`);
    }),
  ]);
}

/** Returns the labels of the events for which the listener succeeded, however many they are. */
async function eventsThatRan(api: Api): Promise<Set<string>> {
  const labels = new Set<string>();
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`;
    const path = `/v1/invocations?function=listener&status=success&limit=500${more}`;
    const { json }: { json: JsonValue } = await api.get(path);
    for (const { input } of json.invocations) labels.add(JSON.parse(input).data[0].a);
    cursor = json.next_cursor;
  } while (cursor !== null);
  return labels;
}

/** Kills everything during all kinds of operations, repeatedly; none may be left incomplete. */
async function losesNothing(t: ExecutionContext, start: () => Promise<Killable>) {
  const wasm = await probeWasm();
  const changes: Changes = {
    ...{ invoked: [], published: [], deployed: [], maybeDeployed: [], secrets: [], triggers: [] },
    ...{ deleted: [], purged: [], replayed: [], rollouts: [] },
  };
  let installation = await start();
  await prepare(installation.api, wasm);
  for (let round = 0; round < ROUNDS; round++) {
    const working = work(installation.api, round, wasm, changes);
    await delay(20 + (KILL_WITHIN_MS * round) / (ROUNDS - 1));
    await installation.killAll();
    await working;
    installation = await start();
  }
  const { api } = installation;
  t.log(
    Object.entries(changes)
      .map(([what, { length }]) => `${what} ${length}`)
      .join(', '),
  );

  for (const id of changes.invoked) {
    const state = await until(`${id} has ended`, async () => {
      const { json, status } = await api.get(`/v1/invocations/${id}`);
      if (status === 404) return 'lost';
      return ENDED.includes(json.state) && json.state;
    });
    t.is(state, 'success', id);
  }
  let missing: string[] = [];
  await until('every event has run', async () => {
    const labels = await eventsThatRan(api);
    missing = changes.published.filter((label) => !labels.has(label));
    return missing.length === 0;
  }).catch((error: unknown) => {
    throw new Error(`events that have not run: ${missing.join(', ')}`, { cause: error });
  });
  const { functions } = (await api.get('/v1/functions')).json;
  const names = new Set(functions.map((fn: { name: string }) => fn.name));
  for (const name of changes.deployed) t.true(names.has(name), name);
  for (const name of changes.maybeDeployed) {
    if (!names.has(name)) continue;
    const { status, text } = await api.invoke(name, commands({ op: 'echo', a: 'x' }));
    t.is(status, 200, `${name}: ${text}`);
  }
  const { secrets } = (await api.get('/v1/functions/secrets')).json;
  for (const name of changes.secrets)
    t.true(
      secrets.some((one: { name: string }) => one.name === name),
      name,
    );
  const { triggers } = (await api.get('/v1/functions/probe/triggers')).json;
  for (const id of changes.triggers)
    t.true(
      triggers.some((one: { id: string }) => one.id === id),
      id,
    );
  for (const name of changes.deleted) t.is((await api.get(`/v1/functions/${name}`)).status, 404, name);

  const dead = async (name: string) =>
    (await api.get(`/v1/invocations?status=dead&function=${name}&limit=100`)).json;
  for (let n = 0; n < ROUNDS; n++) {
    const { count } = await dead(`dead-purged-${n}`);
    if (changes.purged.includes(`dead-purged-${n}`)) t.is(count, 0);
    // Requested again: an interrupted operation is completed.
    t.is((await api.delete(`/v1/functions/dead-purged-${n}/dead`)).status, 200);
    t.is((await dead(`dead-purged-${n}`)).count, 0);

    const name = `dead-replayed-${n}`;
    if (!changes.replayed.includes(name)) {
      t.is((await api.post(`/v1/functions/${name}/dead/replay`, {})).status, 202);
    }
    // Each of the five is replayed once and dies again.
    const replays = await until(`the replays of ${name} have ended`, async () => {
      const { json } = await api.get(`/v1/invocations?function=${name}&limit=100`);
      const found = json.invocations.filter((one: { trigger: string }) => one.trigger === 'replay');
      const isOver = found.every((one: { state: string }) => ENDED.includes(one.state));
      return isOver && found.length >= 5 && found;
    });
    // A repeated replay also finds those that have died again.
    const own = new Set(replays.map((one: { request_id: string }) => one.request_id));
    const parents: string[] = replays.map((one: { parent_id: string }) => one.parent_id);
    t.is(new Set(parents).size, parents.length, 'none was replayed twice');
    t.is(parents.filter((id) => !own.has(id)).length, 5);
  }
  for (const name of changes.rollouts) {
    const { json } = await api.get(`/v1/functions/${name}/rollout`);
    t.true(['running', 'completed'].includes(json.state), `${name}: ${JSON.stringify(json)}`);
  }
  await installation.killAll();
}

test.serial(
  'embedded: an engine killed during any operation keeps acknowledged changes and no partial ones',
  (t) => losesNothing(t, () => startKillableEngine(t, dataDir)),
);

test.serial(
  'web and worker: processes killed during any operation keep acknowledged changes and no partial ones',
  async (t) => {
    const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '2' });
    t.teardown(cluster.close);
    await losesNothing(t, () => startKillableCluster(cluster));
  },
);
