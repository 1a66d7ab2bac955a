import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Api, ApiReply } from '../helpers/api.js';
import { ENDLESS_QUERY } from '../helpers/endless-query.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { boundMs, medianMs } from '../helpers/waits.js';

/** A victim that has waited this long is considered starved. */
const GIVE_UP_MS = 15_000;
/** How long an attack runs before the victim is measured. */
const LEAD_MS = 1500;
const ASYNC = { prefer: 'respond-async' };
const MANY_ROWS =
  'with recursive n(i) as (select 1 union all select i + 1 from n where i < 990000) select 1 as a from n';

/** Requests of several clients of the attacker, each repeated as soon as it is answered. */
interface Attack {
  clients: number;
  /** Its requests do not end by themselves within seconds, so the attack cannot be paused. */
  isEndless?: boolean;
  prepare?(attacker: Api): Promise<unknown>;
  send(attacker: Api, turn: number): Promise<unknown>;
}

const text = 'x'.repeat(100_000);

const ATTACKS: Record<string, Attack> = {
  'endless queries from functions and over HTTP': {
    clients: 24,
    isEndless: true,
    send: (attacker, turn) =>
      turn % 2 === 0
        ? attacker.post('/v1/rqlite/query', { sql: ENDLESS_QUERY, args: [] })
        : attacker.invoke('probe', commands({ op: 'query', a: ENDLESS_QUERY, b: '[]' })),
  },
  'queries with the maximum number of rows from functions and over HTTP': {
    clients: 24,
    send: (attacker, turn) =>
      turn % 2 === 0
        ? attacker.post('/v1/rqlite/query', { sql: MANY_ROWS, args: [] })
        : attacker.invoke('probe', commands({ op: 'query', a: MANY_ROWS, b: '[]' })),
  },
  'as many waiting and delayed jobs as the queue accepts': {
    clients: 16,
    send: (attacker, turn) =>
      attacker.invoke('probe', JSON.stringify({ text }), {
        ...ASYNC,
        ...(turn % 2 === 0 ? { 'x-delay-seconds': '3600' } : {}),
      }),
  },
  'messages that fire a hundred triggers each': {
    clients: 8,
    prepare: async (attacker) => {
      // Each of these matches the topic.
      const triggers = Array.from({ length: 100 }, (_, bits) => ({
        topic: 'a:b:c:d:e:f:g'.replace(/\w/g, (name) =>
          (bits >> (name.charCodeAt(0) - 97)) & 1 ? '*' : name,
        ),
      }));
      await attacker.deploy('fan', await probeWasm(), { metadata: JSON.stringify({ triggers }) });
    },
    send: (attacker) => attacker.publish('a:b:c:d:e:f:g', { text }),
  },
  'chains of functions that enqueue 40 jobs each': {
    clients: 4,
    send: (attacker) => {
      const level = (depth: number): object[] =>
        Array.from({ length: 40 }, () => ({
          ...{ op: 'enqueue', a: 'probe', n: 0 },
          json: depth === 0 ? [] : level(0),
        }));
      return attacker.invoke('probe', JSON.stringify(level(1)));
    },
  },
  'large cache entries from functions and over HTTP': {
    clients: 16,
    send: (attacker, turn) =>
      turn % 2 === 0
        ? attacker.post('/v1/cache/put', { key: `k${turn}`, value: text })
        : attacker.invoke('probe', commands({ op: 'cache_set', a: `k${turn}`, b: text, n: 0 })),
  },
  'functions with 9,000 host calls each': {
    clients: 32,
    send: (attacker) =>
      attacker.invoke(
        'probe',
        commands(...Array.from({ length: 9000 }, () => ({ op: 'cache_incr', a: 'n', n: 1 }))),
      ),
  },
  'functions with 900 long log lines each': {
    clients: 32,
    send: (attacker) =>
      attacker.invoke(
        'probe',
        commands(...Array.from({ length: 900 }, () => ({ op: 'log', a: 'x'.repeat(1000) }))),
      ),
  },
  'deploys of 28 MB modules': {
    clients: 8,
    send: async (attacker, turn) =>
      attacker.deploy(`large-${turn % 20}`, padded(await probeWasm(), 28 << 20, turn)),
  },
  'requests for long log lists and costly cache scans': {
    clients: 16,
    prepare: async (attacker) => {
      const input = commands(...Array.from({ length: 50 }, () => ({ op: 'log', a: 'x'.repeat(200) })));
      for (let n = 0; n < 10; n++) {
        await Promise.all(Array.from({ length: 50 }, () => attacker.invoke('probe', input)));
      }
      const keys = Array.from({ length: 500 }, (_, n) => `${'a'.repeat(400)}${n}`);
      for (const key of keys) await attacker.post('/v1/cache/put', { key, value: 1 });
    },
    send: (attacker, turn) =>
      turn % 2 === 0
        ? attacker.get('/v1/functions/probe/logs?limit=1000')
        : attacker.post('/v1/cache/scan', { match: '(a|aa|aaa)*b(a|aa)*(a|aaa)*c' }),
  },
};

/** Returns a module enlarged by a custom section; no two results are equal. */
function padded(module: Buffer, bytes: number, turn: number): Buffer {
  const content = Buffer.alloc(bytes - module.byteLength, turn % 251);
  content.writeUInt8(0, 0);
  content.writeDoubleLE(turn, 1);
  const size: number[] = [];
  for (let rest = content.byteLength; rest > 0; rest >>>= 7)
    size.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Buffer.concat([module, Buffer.from([0, ...size]), content]);
}

function assertStatus({ status, text: said }: ApiReply, expected: number): void {
  if (status !== expected) throw new Error(`${status} ${said.slice(0, 300)}`);
}

/** Actions of a victim. */
const ACTS: Record<string, (victim: Api) => Promise<void>> = {
  call: async (victim) => {
    const reply = await victim.request('POST', '/v1/functions/probe/invoke', {
      body: commands({ op: 'echo', a: 'here' }),
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    assertStatus(reply, 200);
  },
  event: async (victim) => {
    const id = crypto.randomUUID();
    assertStatus(await victim.publish('mine', [{ op: 'cache_set', a: id, b: 'ran', n: 60 }]), 200);
    await until(
      'the event has run',
      async () => (await victim.post('/v1/cache/get', { key: id })).status === 200,
      GIVE_UP_MS,
    );
  },
  query: async (victim) =>
    assertStatus(await victim.post('/v1/rqlite/query', { sql: 'select 1 as one', args: [] }), 200),
  deploy: async (victim) => assertStatus(await victim.deploy('other', await probeWasm()), 201),
};

async function tenantOf(api: Api, namespace: string): Promise<Api> {
  const tenant = api.as((await api.post('/v1/auth/keys', { name: 'test', namespace })).json.api_key);
  const metadata = JSON.stringify({ triggers: [{ topic: 'mine' }] });
  assertStatus(await tenant.deploy('probe', await probeWasm(), { metadata, timeout_seconds: '20' }), 201);
  return tenant;
}

async function timesOf(victim: Api): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const [name, act] of Object.entries(ACTS)) times[name] = await medianMs(() => act(victim));
  return times;
}

/**
 * `npm run attack` runs all attacks, with nothing beside them. `npm test` runs the one that leaves
 * enough of the processors to the tests beside it.
 */
const ALWAYS = ['endless queries from functions and over HTTP'];
const attacks = Object.entries(ATTACKS).filter(
  ([what]) => process.env.TEST_ATTACKS === 'all' || ALWAYS.includes(what),
);

for (const [what, { clients, isEndless = false, prepare, send }] of attacks) {
  test.serial(
    `while one namespace sends ${what}, calls, events, queries and deploys of another complete in time`,
    async (t) => {
      const engine = await startEngine({ env: { SHUTDOWN_SECONDS: '1' } });
      t.teardown(engine.close);
      const [attacker, victim] = [
        await tenantOf(engine.api, 'attacker'),
        await tenantOf(engine.api, 'victim'),
      ];
      let unloaded = await timesOf(victim);
      await prepare?.(attacker);
      let over = false;
      /** Set while the attack is paused. */
      let pause: Promise<void> | null = null;
      let inFlight = 0;
      const answers = new Map<number | 'cut', number>();
      const client = async (_: unknown, first: number) => {
        for (let turn = first; !over; turn += clients) {
          await pause;
          inFlight++;
          const reply = await send(attacker, turn).catch(() => null);
          inFlight--;
          const status =
            reply !== null && typeof reply === 'object' && 'status' in reply ? Number(reply.status) : 'cut';
          answers.set(status, (answers.get(status) ?? 0) + 1);
          // Refused requests are repeated, but not at full speed.
          if (status === 429 || status === 413) await delay(20);
        }
      };
      const sent = Array.from({ length: clients }, client);
      const unloadedNow = async () => {
        let resume = () => {};
        pause = new Promise<void>((resolve) => {
          resume = resolve;
        });
        await until('the attack is paused', async () => inFlight === 0, 60_000);
        const times = await timesOf(victim);
        pause = null;
        resume();
        return times;
      };
      const isInTime = (name: string, times: Record<string, number>) =>
        (times[name] ?? 0) <= boundMs(unloaded[name] ?? 0);
      try {
        await delay(LEAD_MS);
        let loaded = await timesOf(victim);
        // Other processes may have taken the processors meanwhile; starvation persists.
        for (let again = 0; again < 2; again++) {
          if (Object.keys(ACTS).every((name) => isInTime(name, loaded))) break;
          if (!isEndless) unloaded = await unloadedNow();
          await delay(LEAD_MS);
          loaded = await timesOf(victim);
        }
        for (const name of Object.keys(ACTS)) {
          const [before = 0, now = 0] = [unloaded[name], loaded[name]];
          const took = `${name}: ${now.toFixed(0)} ms, unloaded ${before.toFixed(0)} ms`;
          t.log(took);
          t.true(isInTime(name, loaded), took);
        }
        t.log(
          `the attacker was answered with ${[...answers].map(([status, times]) => `${status}: ${times}`).join(', ')}`,
        );
      } finally {
        over = true;
        await engine.kill9();
        await Promise.all(sent);
      }
    },
  );
}
