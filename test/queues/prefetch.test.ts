import test from 'ava';
import { Prefetch } from '../../queues/prefetch.js';
import type { QueueKind } from '../../queues/queue-names.js';

/** Returns the limit after each change, given jobs with these durations in milliseconds. */
function limitsAfter(kind: QueueKind, slots: number, ...jobs: number[]): number[] {
  const numbers: number[] = [];
  const prefetch = new Prefetch(kind, slots, () => void numbers.push(prefetch.limit));
  for (const ms of jobs) prefetch.recordEnd(ms);
  return numbers;
}

const quick = (count: number): number[] => Array(count).fill(4);

test('after one quick job per slot in a row, 6 events or 3 calls per slot are fetched at once', (t) => {
  t.deepEqual(limitsAfter('async', 16, ...quick(15)), []);
  t.deepEqual(limitsAfter('async', 16, ...quick(100)), [96]);
  t.deepEqual(limitsAfter('sync', 16, ...quick(100)), [48]);
  t.deepEqual(limitsAfter('async', 16, ...quick(15), 80, ...quick(15)), []);
});

test('a slow job stops prefetching until one quick job per slot in a row has ended', (t) => {
  t.deepEqual(limitsAfter('async', 16, ...quick(20), 80, 80, ...quick(16)), [96, 16, 96]);
});

test('a process with fewer than 16 slots does not prefetch', (t) => {
  t.deepEqual(limitsAfter('async', 15, ...quick(100)), []);
});

test('a job with more than 64 KB of input stops prefetching', (t) => {
  const numbers: number[] = [];
  const prefetch = new Prefetch('async', 16, () => void numbers.push(prefetch.limit));
  for (const ms of quick(16)) prefetch.recordEnd(ms);
  prefetch.recordFetch(64 << 10);
  t.deepEqual(numbers, [96]);
  prefetch.recordFetch((64 << 10) + 1);
  t.deepEqual(numbers, [96, 16]);
});
