import { rm } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { READY, spawnRole, startCluster } from '../helpers/cluster.js';
import { type MemoryGroup, memoryGroup } from '../helpers/memory-group.js';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { readyLine } from '../helpers/ready-line.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

/** Enough for a process and small guests, not for the guilty one beside them. */
const GROUP_MB = 420;
const GUILTY_MB = 230;
const HARMLESS = 40;
const ASYNC = { prefer: 'respond-async' };
/** Few threads, because each takes 8 MB. */
const SETTINGS = { QUEUE_LOCK_SECONDS: '1', WORKER_THREADS: '2', WORKER_PARKED: '4' };

// Near its limit a process is slow before it is killed: `npm run attack` takes the minutes.
const allowed = process.env.TEST_ATTACKS === 'all' ? memoryGroup(GROUP_MB) : null;
await allowed?.close();
if (allowed === null) notRun('kills by the kernel: tried by npm run attack, in control groups');
else {
  test.serial(
    'embedded: the invocation that gets its engine killed for memory dies, and no other',
    async (t) => {
      const group = memoryGroup(GROUP_MB) as MemoryGroup;
      const first = await startEngine({ env: SETTINGS });
      await accept(first.api);
      const { dataDir } = first;
      await first.stop();
      t.teardown(() => rm(dataDir, { recursive: true, force: true }));
      // As a process manager does: each engine that is killed is started again.
      while (group.kills() < 3) {
        const kills = group.kills();
        const killed = await startEngine({ dataDir, enter: group.enter, env: SETTINGS });
        await publish(killed.api);
        await until('the kernel kills it', () => group.kills() > kills, 120_000);
        await killed.stop();
      }
      const last = await startEngine({ dataDir, enter: group.enter, env: SETTINGS });
      t.teardown(async () => {
        await last.stop();
        await group.close();
      });
      await onlyTheGuiltyIsDead(t, last.api, 4);
      t.is(group.kills(), 3);
    },
  );

  test.serial('a worker: the invocation that gets it killed for memory dies, and no other', async (t) => {
    const group = memoryGroup(GROUP_MB) as MemoryGroup;
    const cluster = await startCluster(SETTINGS);
    t.teardown(cluster.close);
    const web = await cluster.web();
    await accept(web.api);
    const worker = async () => {
      const { child, process } = spawnRole('worker', cluster.settings, group.enter);
      t.teardown(process.kill9);
      await readyLine(child, READY.worker, process.log);
      return process;
    };
    while (group.kills() < 3) {
      const started = await worker();
      await publish(web.api);
      await started.ended();
    }
    const last = await worker();
    await onlyTheGuiltyIsDead(t, web.api, 4);
    await last.kill9();
    t.is(group.kills(), 3);
    await group.close();
  });
}

/** Deploys both functions and accepts the guilty invocation, which starts with a delay. */
async function accept(api: Api): Promise<void> {
  const wasm = await probeWasm();
  await api.deploy('guilty', wasm, { memory_limit_mb: '256' });
  await api.deploy('harmless', wasm, { metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }) });
  const input = commands({ op: 'sleep', n: 300 }, { op: 'hold', n: GUILTY_MB }, { op: 'sleep', n: 60_000 });
  await api.invoke('guilty', input, { ...ASYNC, 'x-delay-seconds': '1' });
  await publish(api);
}

async function publish(api: Api): Promise<void> {
  // The engine may be killed meanwhile; only what it acknowledges counts.
  await Promise.all(
    Array.from({ length: HARMLESS }, () => api.publish('work', [{ op: 'sleep', n: 100 }]).catch(() => null)),
  );
}

async function onlyTheGuiltyIsDead(t: ExecutionContext, api: Api, batches: number): Promise<void> {
  const dead = await until('the guilty one is dead', async () => {
    const { json } = await api.get('/v1/invocations?function=guilty');
    return json.invocations[0]?.state === 'dead' && json.invocations[0];
  });
  t.regex(dead.error, /worker died \(3 times while it was running/);
  const harmless = await until('all others have run', async () => {
    const { json } = await api.get('/v1/invocations?function=harmless&limit=500');
    const all: { state: string }[] = json.invocations;
    return all.every(({ state }) => state !== 'queued' && state !== 'running' && state !== 'retrying') && all;
  });
  t.true(harmless.length > HARMLESS * (batches - 3));
  for (const { state } of harmless) t.is(state, 'success');
}
