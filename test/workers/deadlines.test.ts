import test from 'ava';
import { Deadlines, type TimedRun } from '../../workers/engine/deadlines.js';

const TIMEOUT_MS = 20;

for (const [order, elapsed] of [
  ['after, then before,', [TIMEOUT_MS + 1, TIMEOUT_MS - 1]],
  ['before, then after,', [TIMEOUT_MS - 1, TIMEOUT_MS + 1]],
] as const) {
  // Elapsed times are differences of two clocks, so they vary by the time between two readings.
  test(`a run is stopped once when its clock is read ${order} its deadline`, async (t) => {
    let reads = 0;
    const run: TimedRun = {
      call: { timeoutMs: TIMEOUT_MS },
      slot: {
        get elapsedMs() {
          // The first read sets the timer.
          return reads++ === 0 ? 0 : (elapsed[reads % 2] ?? 0);
        },
      },
      finished: false,
      stopReason: null,
    };
    let stops = 0;
    const deadlines = new Deadlines({ all: () => [[null, [run]]] as const }, (stopped: TimedRun) => {
      stops++;
      stopped.finished = true;
    });
    t.teardown(() => deadlines.close());
    deadlines.watch(run);
    // The timer does not keep the process alive, this one does.
    await new Promise((resolve) => setTimeout(resolve, 10 * TIMEOUT_MS));
    t.is(stops, 1);
  });
}
