import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Deadlines } from '../../workers/engine/deadlines.js';
import type { Run } from '../../workers/engine/run.js';
import type { GuestThread } from '../../workers/threads/guest-thread.js';
import { until } from '../helpers/until.js';

const TIMEOUT_MS = 20;

for (const [order, elapsed] of [
  ['after, then before,', [TIMEOUT_MS + 1, TIMEOUT_MS - 1]],
  ['before, then after,', [TIMEOUT_MS - 1, TIMEOUT_MS + 1]],
] as const) {
  // Elapsed times are differences of two clocks, so they vary by the time between two readings.
  test(`a run is stopped once when its clock is read ${order} its deadline`, async (t) => {
    let reads = 0;
    const run = {
      call: { timeoutMs: TIMEOUT_MS },
      slot: {
        get elapsedMs() {
          // The first read sets the timer.
          return reads++ === 0 ? 0 : (elapsed[reads % 2] ?? 0);
        },
      },
      finished: false,
      stopReason: null,
    } as Run;
    let stops = 0;
    const deadlines = new Deadlines(
      { all: () => new Map([[{} as GuestThread, [run] as const]]).entries() },
      (stopped) => {
        stops++;
        stopped.finished = true;
      },
    );
    t.teardown(() => deadlines.close());
    deadlines.watch(run);
    await until('the run is stopped', () => stops > 0);
    // Long enough for a second stop.
    await delay(10 * TIMEOUT_MS);
    t.is(stops, 1);
  });
}
