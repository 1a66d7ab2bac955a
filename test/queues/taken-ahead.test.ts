import test from 'ava';
import type { Lane } from '../../queues/jobs.js';
import { TakenAhead } from '../../queues/taken-ahead.js';

/** What is to be taken at once, told each time that changes, after jobs that took so many milliseconds. */
function told(lane: Lane, hands: number, ...jobs: number[]): number[] {
  const numbers: number[] = [];
  const ahead = new TakenAhead(lane, hands, (atOnce) => numbers.push(atOnce));
  for (const ms of jobs) ahead.done(ms);
  return numbers;
}

const quick = (count: number): number[] => Array(count).fill(4);

test('six times as many events, or three times as many calls, are taken once as many in a row as there are hands were quick', (t) => {
  t.deepEqual(told('invocations', 16, ...quick(15)), []);
  t.deepEqual(told('invocations', 16, ...quick(100)), [96]);
  t.deepEqual(told('calls', 16, ...quick(100)), [48]);
  t.deepEqual(told('invocations', 16, ...quick(15), 80, ...quick(15)), []);
});

test('none are taken ahead after one that was slow, until as many in a row were quick again', (t) => {
  t.deepEqual(told('invocations', 16, ...quick(20), 80, 80, ...quick(16)), [96, 16, 96]);
});

test('a process that may take few at once takes none ahead', (t) => {
  t.deepEqual(told('invocations', 15, ...quick(100)), []);
});

test('none are taken ahead after one with much input', (t) => {
  const numbers: number[] = [];
  const ahead = new TakenAhead('invocations', 16, (atOnce) => numbers.push(atOnce));
  for (const ms of quick(16)) ahead.done(ms);
  ahead.taken(64 << 10);
  t.deepEqual(numbers, [96]);
  ahead.taken((64 << 10) + 1);
  t.deepEqual(numbers, [96, 16]);
});
