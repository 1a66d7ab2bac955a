import test from 'ava';
import fc from 'fast-check';
import { startCluster } from '../helpers/cluster.js';
import { probeWasm } from '../helpers/probe.js';
import { Driven } from './driven.js';
import { checkInvariants } from './invariants.js';
import { steps } from './steps.js';

/** `npm run model -- --minutes N` runs longer. */
const minutes = Number(/--minutes[ =](\d+)/.exec(process.argv.join(' '))?.[1] ?? 0);
const QUICK_MS = 20_000;

test('random operations and worker crashes lose no accepted invocation and cause no excess run', async (t) => {
  t.timeout((minutes + 4) * 60_000);
  // Short, so that a killed worker's jobs are soon delivered to another one, but long enough that a
  // busy machine does not appear dead.
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '4', WORKER_CONCURRENCY: '8' });
  t.teardown(cluster.close);
  const web = await cluster.web();
  const wasm = await probeWasm();
  const end = performance.now() + (minutes > 0 ? minutes * 60_000 : QUICK_MS);
  const firstSeed = Date.now() % 2 ** 31;

  // fast-check generates the sequences. They are not shrunk, which would repeat minutes of real
  // processes.
  for (let run = 0; run === 0 || performance.now() < end; run += 1) {
    const seed = firstSeed + run;
    const [sequence = []] = fc.sample(steps, { seed, numRuns: 1 });
    const driven = await Driven.start(cluster, web.api, wasm, `model-${run}`);
    try {
      for (const step of sequence) await driven.do(step);
      await checkInvariants(driven);
      t.pass();
    } catch (error) {
      t.log(`seed ${seed}: ${JSON.stringify(sequence)}`);
      throw error;
    } finally {
      await driven.close();
    }
  }
});
