import test from 'ava';
import { Prefetch } from '../../queues/prefetch.js';
import type { QueueKind } from '../../queues/queue-names.js';

/**
 * Returns the reported numbers of jobs to fetch at once, after jobs with these durations in
 * milliseconds.
 */
function told(kind: QueueKind, slots: number, ...jobs: number[]): number[] {
  const numbers: number[] = [];
  const ahead = new Prefetch(kind, slots, (atOnce) => numbers.push(atOnce));
  for (const ms of jobs) ahead.recordEnd(ms);
  return numbers;
}

const quick = (count: number): number[] => Array(count).fill(4);

test('after one quick job per slot in a row, 6 events or 3 calls per slot are fetched at once', (t) => {
  t.deepEqual(told('async', 16, ...quick(15)), []);
  t.deepEqual(told('async', 16, ...quick(100)), [96]);
  t.deepEqual(told('sync', 16, ...quick(100)), [48]);
  t.deepEqual(told('async', 16, ...quick(15), 80, ...quick(15)), []);
});

test('a slow job stops prefetching until one quick job per slot in a row has ended', (t) => {
  t.deepEqual(told('async', 16, ...quick(20), 80, 80, ...quick(16)), [96, 16, 96]);
});

test('a process with fewer than 16 slots does not prefetch', (t) => {
  t.deepEqual(told('async', 15, ...quick(100)), []);
});

test('a job with more than 64 KB of input stops prefetching', (t) => {
  const numbers: number[] = [];
  const ahead = new Prefetch('async', 16, (atOnce) => numbers.push(atOnce));
  for (const ms of quick(16)) ahead.recordEnd(ms);
  ahead.recordFetch(64 << 10);
  t.deepEqual(numbers, [96]);
  ahead.recordFetch((64 << 10) + 1);
  t.deepEqual(numbers, [96, 16]);
});
