import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { ENDLESS, reactor } from '../helpers/reactor.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { boundMs, medianMs } from '../helpers/waits.js';

const CONCURRENCY = 8;
const PARKED = 4;
const SETTINGS = {
  WORKER_CONCURRENCY: String(CONCURRENCY),
  WORKER_THREADS: '2',
  WORKER_PARKED: String(PARKED),
  WORKER_MEMORY_MB: '1024',
  SHUTDOWN_SECONDS: '1',
};
/** Many more jobs than slots of a process. */
const HOSTILE = 5 * CONCURRENCY;
/** A victim that has waited this long is considered starved. */
const GIVE_UP_MS = 10_000;
const TRIES = 4;
const ASYNC = { prefer: 'respond-async' };
const FOR_LONG = { timeout_seconds: '300' };

type Attack = (attacker: Api) => Promise<void>;

/** Sends all jobs without waiting. */
function send(attacker: Api, input: string, headers: Record<string, string> = {}): void {
  for (let n = 0; n < HOSTILE; n++) attacker.invoke('probe', input, headers).catch(() => undefined);
}

const loop = commands({ op: 'spin' });
const sleep = (ms: number) => commands({ op: 'sleep', n: ms });

const ATTACKS: Record<string, Attack> = {
  'endless calls': async (attacker) => send(attacker, loop),
  'endless events': async (attacker) => send(attacker, loop, ASYNC),
  'endless calls and events': async (attacker) => {
    send(attacker, loop, ASYNC);
    send(attacker, loop);
  },
  'calls and events that sleep': async (attacker) => {
    send(attacker, sleep(290_000), ASYNC);
    send(attacker, sleep(290_000));
  },
  'calls that sleep and then never end': async (attacker) =>
    send(attacker, commands({ op: 'sleep', n: 1000 }, { op: 'spin' })),
  'endless calls after many short ones that sleep': async (attacker) => {
    for (let n = 0; n < 20; n++) await attacker.invoke('probe', sleep(10));
    send(attacker, loop);
  },
  'calls and events that hold all memory and sleep': async (attacker) => {
    const eat = commands({ op: 'hold', n: 200 }, { op: 'sleep', n: 290_000 });
    send(attacker, eat, ASYNC);
    send(attacker, eat);
  },
  'endless calls and events after 320 short calls': async (attacker) => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 4 * CONCURRENCY }, () => attacker.invoke('probe', '[]')));
    }
    send(attacker, loop, ASYNC);
    send(attacker, loop);
  },
};

interface Tenants {
  attacker: Api;
  victim: Api;
}

async function tenantsOf(api: Api, fields: Record<string, string> = {}): Promise<Tenants> {
  const [attacker, victim] = await Promise.all(
    ['attacker', 'victim'].map(async (namespace) => {
      const { json } = await api.post('/v1/auth/keys', { name: 'test', namespace });
      const tenant = api.as(json.api_key);
      const mine = namespace === 'attacker' ? { ...FOR_LONG, ...fields } : {};
      const { status, text } = await tenant.deploy('probe', await probeWasm(), mine);
      if (status !== 201) throw new Error(text);
      return tenant;
    }),
  );
  if (attacker === undefined || victim === undefined) throw new Error('no tenants');
  return { attacker, victim };
}

async function call(victim: Api): Promise<void> {
  const { status, text } = await victim.request('POST', '/v1/functions/probe/invoke', {
    body: commands({ op: 'echo', a: 'here' }),
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  if (status !== 200) throw new Error(`${status} ${text}`);
}

/** Waits until its result is available. */
async function event(victim: Api): Promise<void> {
  const { json } = await victim.invoke('probe', commands({ op: 'echo', a: 'here' }), ASYNC);
  await until(
    'the event has ended',
    async () => {
      const reply = await victim.get(`/v1/invocations/${json.request_id}`);
      return reply.json.state === 'success';
    },
    GIVE_UP_MS,
  );
}

/** Calls a victim repeatedly. Resolves with the median time, or a starved one if a call fails. */
const timeOf = (act: () => Promise<void>): Promise<number> => medianMs(act).catch(() => GIVE_UP_MS);

/**
 * Asserts that an act of a victim takes no longer than it may under an attack that goes on. Other
 * processes may have taken the processors meanwhile, so that it is tried again: starvation
 * persists.
 */
async function isInTime(t: ExecutionContext, what: string, unloaded: number, act: () => Promise<void>) {
  let loaded = GIVE_UP_MS;
  for (let round = 0; round < TRIES && loaded > boundMs(unloaded); round++) loaded = await timeOf(act);
  t.log(`${what} ${unloaded.toFixed(0)} -> ${loaded.toFixed(0)} ms`);
  t.true(loaded <= boundMs(unloaded), `${what}: ${loaded} ms`);
}

async function holds(t: ExecutionContext, { attacker, victim }: Tenants, attack: Attack): Promise<void> {
  const unloaded = { call: await medianMs(() => call(victim)), event: await medianMs(() => event(victim)) };
  await attack(attacker);
  await delay(1500);
  await isInTime(t, 'call', unloaded.call, () => call(victim));
  await isInTime(t, 'event', unloaded.event, () => event(victim));
}

/**
 * Each attack occupies all cores for about ten seconds and slows down other tests; `npm run attack`
 * runs all of them.
 */
const ALWAYS = ['endless calls and events', 'calls and events that sleep'];
const attacks = Object.entries(ATTACKS).filter(
  ([what]) => process.env.TEST_ATTACKS === 'all' || ALWAYS.includes(what),
);

for (const [what, attack] of attacks) {
  test.serial(`calls and events complete in time while another namespace sends ${what}`, async (t) => {
    const engine = await startEngine({ env: SETTINGS });
    t.teardown(engine.close);
    const tenants = await tenantsOf(engine.api, what.includes('memory') ? { memory_limit_mb: '256' } : {});
    await holds(t, tenants, attack);
  });
}

test.serial(
  'web and worker: while one namespace sends endless calls and events, another is served in time',
  async (t) => {
    const cluster = await startCluster(SETTINGS);
    t.teardown(cluster.close);
    const [web] = await Promise.all([cluster.web(), cluster.worker()]);
    await holds(t, await tenantsOf(web.api), async (attacker) => {
      send(attacker, loop, ASYNC);
      send(attacker, loop);
    });
  },
);

test.serial(
  'while one namespace deploys modules with endless initialisation, another deploys in time',
  async (t) => {
    const engine = await startEngine({ env: SETTINGS });
    t.teardown(engine.close);
    const { attacker, victim } = await tenantsOf(engine.api);
    let mark = 0;
    const deploy = async () => {
      const { status, text } = await victim.deploy('quick', reactor([], mark++));
      if (status !== 201) throw new Error(text);
    };
    const unloaded = await medianMs(deploy);
    let ended = 0;
    for (let n = 0; n < 24; n++) {
      attacker.deploy(`endless-${n}`, reactor(ENDLESS, n)).then(
        () => ended++,
        () => undefined,
      );
    }
    await delay(500);
    await isInTime(t, 'deploy', unloaded, deploy);
    t.log(`${ended} hostile ones had ended`);
    t.true(ended < 24, 'the attack was over');
  },
);
