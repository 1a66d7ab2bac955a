import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { concat, name as encodedName, section } from '../../workers/wasm/binary/writer.js';
import type { Api, ApiReply } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { type Killable, startKillableCluster, startKillableEngine } from '../helpers/killable.js';
import { startKubo } from '../helpers/kubo.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { findRqlited, startRqlite } from '../helpers/rqlited.js';
import { startEngine } from '../helpers/running-engine.js';
import { findServer } from '../helpers/servers.js';
import { canMount, type SmallDisk, smallDisk } from '../helpers/small-disk.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { command, handMade } from '../helpers/wasm.js';

/** `npm run attack` kills at many more moments. */
const ROUNDS = process.env.TEST_ATTACKS === 'all' ? 25 : 2;
const FULL_DISK_ROUNDS = process.env.TEST_ATTACKS === 'all' ? 8 : 1;
/** When everything is killed after the start of a round, in milliseconds: at random before this. */
const KILL_WITHIN_MS = 2500;
/** 25 rounds create more than the default quotas of one namespace allow. */
const QUOTAS = {
  functions: 100_000,
  versions_per_function: 100_000,
  triggers: 100_000,
  secrets: 100_000,
  keys: 100_000,
};
const dataDir = tempDir();

/** A request, and how to see afterwards that it took effect. */
interface Act {
  send(): Promise<ApiReply>;
  /** Resolves with null if everything is there, else with what is not. */
  missing(api: Api, reply: ApiReply | null): Promise<string | null>;
  /** Whether a request without an answer may have taken effect, which then must be whole. */
  inDoubt?(api: Api): Promise<boolean>;
}

/** A module with its own CID that has several blocks. */
function ownModule(): Uint8Array {
  const filler = concat([encodedName('filler'), randomBytes(100_000 + Math.floor(Math.random() * 600_000))]);
  return concat([handMade(command()), section(0, filler)]);
}

const is = (what: string, found: boolean, reply?: ApiReply) =>
  found ? null : `${what}: ${reply?.status} ${reply?.text.slice(0, 300)}`;

/** Everything that a client can store, by its kind. `label` is unique. */
const ACTS: Record<string, (api: Api, label: string) => Act> = {
  deploy: (api, label) => ({
    send: () =>
      api.deploy(label, ownModule(), { metadata: JSON.stringify({ triggers: [{ topic: label }] }) }),
    async missing(after) {
      const reply = await after.invoke(label, '');
      const triggers = await after.get(`/v1/functions/${label}/triggers`);
      return is(label, reply.status === 200, reply) ?? is(label, triggers.json.count === 1, triggers);
    },
    inDoubt: async (after) => (await after.get(`/v1/functions/${label}`)).status === 200,
  }),
  version: (api, label) => ({
    send: () => api.deploy('growing', ownModule()),
    async missing(after, reply) {
      const version = reply?.json.function.version;
      const ran = await after.invoke(`growing@${version}`, '');
      return is(`${label}: growing@${version}`, ran.status === 200, ran);
    },
  }),
  secret: (api, label) => ({
    send: () => api.put('/v1/functions/secrets', { name: label, value: `value of ${label}` }),
    async missing(after) {
      const reply = await after.invoke('probe', commands({ op: 'secret', a: label }));
      return is(label, reply.text === JSON.stringify({ results: [`value of ${label}`] }), reply);
    },
    async inDoubt(after) {
      const { json } = await after.get('/v1/functions/secrets');
      return json.secrets.some(({ name }: { name: string }) => name === label);
    },
  }),
  trigger: (api, label) => ({
    send: () => api.post('/v1/functions/probe/triggers', { topic: label }),
    async missing(after, reply) {
      const { json } = await after.get('/v1/functions/probe/triggers');
      const found = json.triggers.some(({ id }: { id: string }) => id === reply?.json.trigger.id);
      if (!found) return `trigger ${label}`;
      const { json: published } = await after.publish(label, []);
      return published.triggered === 1 ? null : `trigger ${label} does not fire`;
    },
  }),
  schedule: (api, label) => ({
    send: () => api.post('/v1/functions/probe/triggers', { cron: '0 0 1 1 *' }),
    async missing(after, reply) {
      const { json } = await after.get('/v1/functions/probe/triggers');
      const own = json.triggers.find(({ id }: { id: string }) => id === reply?.json.trigger.id);
      return own?.next_run_at ? null : `schedule ${label}`;
    },
  }),
  key: (api, label) => ({
    send: () => api.post('/v1/auth/keys', { name: label }),
    async missing(after, reply) {
      const who = await after.as(reply?.json.api_key).get('/v1/auth/whoami');
      return is(`key ${label}`, who.status === 200, who);
    },
  }),
  revoked: (api, label) => {
    let key = '';
    return {
      async send() {
        const made = await api.post('/v1/auth/keys', { name: label });
        key = made.json.api_key;
        return made.status === 201 ? api.delete(`/v1/auth/keys/${made.json.id}`) : made;
      },
      async missing(after) {
        const who = await after.as(key).get('/v1/auth/whoami');
        return is(`revocation of ${label}`, who.status === 401, who);
      },
    };
  },
  alias: (api, label) => ({
    send: () => api.put(`/v1/functions/probe/aliases/${label}`, { version: 1 }),
    async missing(after) {
      const reply = await after.invoke(`probe@${label}`, '[]');
      return is(`alias ${label}`, reply.status === 200, reply);
    },
  }),
  blob: (api, label) => {
    const bytes = randomBytes(300_000 + Math.floor(Math.random() * 300_000));
    return {
      send() {
        const form = new FormData();
        form.set('file', new Blob([bytes]), label);
        return api.request('POST', '/v1/storage/upload', { body: form });
      },
      async missing(after, reply) {
        const headers = { 'x-api-key': after.key ?? '' };
        const got = await fetch(`${after.url}/v1/storage/get/${reply?.json.cid}`, { headers });
        const isSame = Buffer.from(await got.arrayBuffer()).equals(bytes);
        return isSame ? null : `blob ${label}: ${got.status}`;
      },
    };
  },
  row: (api, label) => ({
    send: () => api.post('/v1/rqlite/exec', { sql: 'insert into kept values (?)', args: [label] }),
    async missing(after) {
      const query = { sql: 'select count(*) as n from kept where label = ?', args: [label] };
      const reply = await after.post('/v1/rqlite/query', query);
      return is(`row ${label}`, reply.text.includes('1'), reply);
    },
  }),
  invocation: (api, label) => ({
    send: () => api.invoke('probe', commands({ op: 'log', a: label }), { prefer: 'respond-async' }),
    async missing(after, reply) {
      const id = reply?.json.request_id;
      const state = await until(`${id} has ended`, async () => {
        const { json, status } = await after.get(`/v1/invocations/${id}`);
        return status === 404 ? 'lost' : json.completed_at !== null && json.state;
      });
      return state === 'success' ? null : `invocation ${id} is ${state}`;
    },
  }),
  deletion: (api, label) => ({
    async send() {
      const deployed = await api.deploy(label, handMade(command()));
      return deployed.status === 201 ? api.delete(`/v1/functions/${label}`) : deployed;
    },
    async missing(after) {
      const reply = await after.get(`/v1/functions/${label}`);
      return is(`deletion of ${label}`, reply.status === 404, reply);
    },
  }),
};

interface Done {
  kind: string;
  act: Act;
  /** Null if the request was not answered. */
  reply: ApiReply | null;
}

/** Sends requests of one kind, one after the other, until the engine no longer answers. */
async function stream(api: Api, kind: string, round: number): Promise<Done[]> {
  const done: Done[] = [];
  for (let n = 0; ; n++) {
    const act = ACTS[kind]?.(api, `${kind}-${round}-${n}`);
    if (act === undefined) return done;
    try {
      const reply = await act.send();
      if (reply.status < 300) done.push({ kind, act, reply });
      // A server is dead or a disk full while the engine runs.
      else if (reply.status === 503) done.push({ kind, act, reply: null });
      else throw new Error(`${kind}: ${reply.status} ${reply.text}`);
    } catch (error) {
      done.push({ kind, act, reply: null });
      if (error instanceof TypeError) return done;
      throw error;
    }
  }
}

/** Kills everything in the middle of the streams. */
const atAnyMoment = () => delay(KILL_WITHIN_MS * Math.random());

async function keepsAll(
  t: ExecutionContext,
  start: () => Promise<Killable>,
  { rounds = ROUNDS, meanwhile = atAnyMoment }: { rounds?: number; meanwhile?: () => Promise<unknown> } = {},
) {
  const all: Done[] = [];
  let installation = await start();
  const { api } = installation;
  await api.deploy('probe', await probeWasm());
  const table = await api.post('/v1/rqlite/exec', { sql: 'create table kept (label text)' });
  t.is(table.status, 200, table.text);
  const raised = await api.put('/v1/namespaces/default/quotas', QUOTAS);
  t.is(raised.status, 200, raised.text);
  const check = async ({ kind, act, reply }: Done) => {
    if (reply === null && !(await act.inDoubt?.(installation.api))) return;
    t.is(await act.missing(installation.api, reply), null, `${kind} ${reply === null ? 'in doubt' : ''}`);
  };
  for (let round = 0; round < rounds; round++) {
    const streams = Object.keys(ACTS).map((kind) => stream(installation.api, kind, round));
    await meanwhile();
    await installation.killAll();
    const done = (await Promise.all(streams)).flat();
    installation = await start();
    for (const each of done) await check(each);
    all.push(...done);
  }
  // Also what was stored many kills ago.
  for (const each of all.filter((_, n) => n % 7 === 0)) await check(each);
  const counts = Object.keys(ACTS).map((kind) => {
    const own = all.filter((each) => each.kind === kind && each.reply !== null);
    return `${kind} ${own.length}`;
  });
  t.log(`${rounds} kills; acknowledged: ${counts.join(', ')}`);
  await installation.killAll();
}

test.serial('embedded: a kill -9 at any moment loses nothing that was acknowledged', (t) =>
  keepsAll(t, () => startKillableEngine(t, dataDir)),
);

test.serial(
  'web, worker and Redis: a kill -9 at any moment loses nothing that was acknowledged',
  async (t) => {
    const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '2' });
    t.teardown(cluster.close);
    await keepsAll(t, () => startKillableCluster(cluster));
  },
);

const rqlited = findRqlited();
const ipfs = findServer('ipfs', 'TEST_IPFS', 'ipfs');
if (rqlited === null || ipfs === null)
  notRun('rqlited or ipfs not found: kill -9 of web, worker, RQLite and Kubo not tried');
else {
  test.serial('web, worker, Redis, RQLite and Kubo: a kill -9 at any moment loses nothing', async (t) => {
    const [rqlite, kubo] = await Promise.all([startRqlite(rqlited), startKubo(ipfs)]);
    t.teardown(rqlite.close);
    t.teardown(kubo.close);
    const cluster = await startCluster({
      QUEUE_LOCK_SECONDS: '2',
      RQLITE_URL: rqlite.urls.join(','),
      IPFS_API_URL: kubo.url,
    });
    t.teardown(cluster.close);
    await keepsAll(t, async () => {
      await rqlite.leader();
      const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
      const [node] = rqlite.nodes;
      const killAll = async () => {
        const servers = [cluster.redis.kill(), node?.kill('SIGKILL'), kubo.kill()];
        await Promise.all([web.kill9(), worker.kill9(), ...servers]);
        await Promise.all([cluster.redis.restart(), node?.start(), kubo.restart()]);
      };
      return { api: web.api, killAll };
    });
  });
}

if (!canMount()) notRun('unshare -m is not allowed here: a full disk is not tried');
else {
  const fullForAWhile = (disk: SmallDisk) => async () => {
    await delay(700);
    await disk.fill();
    await delay(1500 + 500 * Math.random());
    await disk.free();
    await delay(700);
  };
  const rounds = FULL_DISK_ROUNDS;

  test.serial('embedded: a full disk and a kill -9 lose nothing that was acknowledged', async (t) => {
    const disk = await smallDisk(400);
    t.teardown(disk.close);
    const start = async () => {
      const engine = await startEngine({ dataDir: disk.dir, enter: disk.enter });
      t.teardown(engine.kill9);
      return { api: engine.api, killAll: engine.kill9 };
    };
    await keepsAll(t, start, { rounds, meanwhile: fullForAWhile(disk) });
  });

  test.serial('web and worker: a full disk and a kill -9 lose nothing that was acknowledged', async (t) => {
    const disk = await smallDisk(400);
    t.teardown(disk.close);
    const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '2' }, {}, { disk });
    t.teardown(cluster.close);
    const start = async () => {
      const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
      const killAll = async () => void (await Promise.all([web.kill9(), worker.kill9()]));
      return { api: web.api, killAll };
    };
    await keepsAll(t, start, { rounds, meanwhile: fullForAWhile(disk) });
  });
}
