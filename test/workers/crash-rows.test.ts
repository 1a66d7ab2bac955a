import test from 'ava';
import type { Delivery } from '../../src/ports/queue.js';
import { crashRows, dueOf } from '../../workers/delivery/end-without-run.js';
import { queued } from '../helpers/invocations.js';

const START = Date.now() - 5000;

function redelivered(crashStarts: (number | null)[], crashesWhileRunning = 0): Delivery {
  const { invocation } = queued();
  const crashes = crashStarts.length;
  return {
    ...{ invocation, attempt: crashes + 1, failures: 0 },
    ...{ crashes, crashesWhileRunning, crashStarts },
  } as unknown as Delivery;
}

test('an attempt whose worker died began when its guest began, if that is known', (t) => {
  const before = Date.now();
  const [known, unknown] = crashRows(redelivered([START, null]));
  t.like(known, { attempt: 1, startedAt: START, durationMs: 0, error: 'worker died' });
  t.like(unknown, { attempt: 2, durationMs: 0 });
  t.true((unknown?.startedAt ?? 0) >= before);
});

test('the attempt of the last crash has its start too', (t) => {
  const due = dueOf(redelivered([null, START - 1, START], 3), null);
  if (due.kind !== 'end') return t.fail();
  t.like(due.ending, { outcome: 'worker_died', row: { attempt: 3, startedAt: START, durationMs: 0 } });
});

test('a start by a clock that is ahead is not after the crash was found', (t) => {
  const [row] = crashRows(redelivered([Date.now() + 60_000]));
  t.true((row?.startedAt ?? 0) <= Date.now());
});
