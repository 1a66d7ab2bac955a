import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const PERIOD_MS = 3000;
const EVERY_PERIOD = '*/3 * * * * *';
const DOWN_MS = 3 * PERIOD_MS;
const isBefore = (time: number) => Date.now() < time;

interface Setup {
  api: Api;
  /** Kills all processes that fire schedules. */
  kill(): Promise<void>;
  /** Starts them again. */
  start(): Promise<Api>;
}

/**
 * Returns the scheduled times of all ticks of a function that have ended so far, from their inputs.
 */
async function ticks(api: Api, name: string): Promise<number[]> {
  const { json } = await api.get(`/v1/invocations?status=success&function=${name}&limit=100`);
  const times: number[] = json.invocations.map(({ input }: { input: string }) =>
    Date.parse(JSON.parse(input).scheduled_at),
  );
  return times.sort((a, b) => a - b);
}

const SETUPS: Record<string, (t: ExecutionContext) => Promise<Setup>> = {
  async 'the embedded engine'(t) {
    let engine: TestEngine = await startEngine();
    const { dataDir } = engine;
    t.teardown(() => engine.close());
    return {
      api: engine.api,
      kill: engine.kill9,
      async start() {
        engine = await startEngine({ dataDir });
        return engine.api;
      },
    };
  },
  async 'two workers on Redis'(t) {
    const cluster = await startCluster();
    t.teardown(cluster.close);
    const start = () => Promise.all([cluster.worker(), cluster.worker()]);
    const web = await cluster.web();
    let workers = await start();
    return {
      api: web.api,
      async kill() {
        await Promise.all(workers.map((worker) => worker.kill9()));
      },
      async start() {
        workers = await start();
        return web.api;
      },
    };
  },
};

for (const [where, setUp] of Object.entries(SETUPS)) {
  test(`ticks missed while ${where} was down run once, or not with catch_up none; no tick runs twice`, async (t) => {
    const { api, kill, start } = await setUp(t);
    let running = api;
    for (const [name, catch_up] of [
      ['one', 'one'],
      ['none', 'none'],
    ] as const) {
      await api.deploy(name, await probeWasm(), {
        metadata: JSON.stringify({ triggers: [{ cron: EVERY_PERIOD, catch_up }] }),
      });
    }
    // Kill between two ticks: a killed tick would be delivered again later, in place of the missed
    // ones. On a busy machine the next tick may come before the kill, which is then repeated.
    let from = 0;
    for (;;) {
      const last = await until('a tick has ended and the next is not due', async () => {
        const found = await Promise.all([ticks(running, 'one'), ticks(running, 'none')]);
        const [one = 0, none = 0] = found.map((each) => each.at(-1));
        return found.every((each) => each.length > 1) && one === none && isBefore(one + PERIOD_MS) && one;
      });
      await kill();
      from = Date.now();
      if (isBefore(last + PERIOD_MS)) break;
      running = await start();
    }
    await sleep(DOWN_MS);
    const to = Date.now();
    const again = await start();
    const missedBy = async (name: string) => {
      const all = await until(`${name} ticks again`, async () => {
        const found = await ticks(again, name);
        return found.filter((at) => at > to).length >= 2 && found;
      });
      t.is(new Set(all).size, all.length, 'none twice');
      return all.filter((at) => at > from && at <= to);
    };
    const first = Math.ceil((from + 1) / PERIOD_MS) * PERIOD_MS;
    t.deepEqual(await missedBy('one'), [first], 'the first that was missed');
    t.deepEqual(await missedBy('none'), []);
  });
}
