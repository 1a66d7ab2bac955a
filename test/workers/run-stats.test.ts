import test from 'ava';
import type { Run } from '../../workers/engine/run.js';
import { RunStats } from '../../workers/engine/run-stats.js';
import { ThreadQueues } from '../../workers/engine/thread-queues.js';
import type { GuestThread } from '../../workers/threads/guest-thread.js';
import type { Program } from '../../workers/wasm/run/program.js';

const program = () => ({}) as Program;
const thread = { hasSlot: true } as GuestThread;

function statsAfter(of: Program, ...runs: number[]): RunStats {
  const stats = new RunStats();
  for (const busyMs of runs) stats.recordEnd(of, { busyMs, waited: false });
  return stats;
}

/** Returns thread queues in which a thread runs the program and has more runs of it queued. */
function queuesOf(of: Program, length: number): ThreadQueues {
  const queues = new ThreadQueues();
  for (let n = 0; n < length; n++) {
    queues.add(thread, { program: of, phase: n === 0 ? 'computing' : 'next', stopReason: null } as Run);
  }
  return queues;
}

test('a program counts as short after eight short runs in a row, and not after a slow run', (t) => {
  const guest = program();
  t.is(statsAfter(guest, ...Array(7).fill(0.1)).expectedShortMs(guest), null);
  t.is(statsAfter(guest, ...Array(8).fill(0.1)).expectedShortMs(guest), 0.1);
  t.is(statsAfter(guest, ...Array(20).fill(0.1), 4).expectedShortMs(guest), null);
});

test('the expected duration of a short run follows the most recent runs', (t) => {
  const guest = program();
  const expectedMs =
    statsAfter(guest, ...Array(100).fill(0.02), ...Array(50).fill(0.2)).expectedShortMs(guest) ?? 0;
  t.true(expectedMs > 0.19 && expectedMs <= 0.2, String(expectedMs));
});

test('a thread gets more runs while its queued runs are expected to end within a millisecond', (t) => {
  const guest = program();
  const given = (busyMs: number, length: number) =>
    queuesOf(guest, length).threadWithShortRuns(statsAfter(guest, ...Array(8).fill(busyMs)));
  t.is(given(0.25, 4), thread);
  t.is(given(0.25, 5), null);
  t.is(given(0.05, 11), thread);
  t.is(given(0.31, 1), null, 'not short');
});
