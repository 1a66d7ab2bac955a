import test from 'ava';
import { doublingBackoff } from '../../queues/backoff.js';

test('exponential backoff doubles per failure, adds at most 20 % jitter and is capped at 300 s', (t) => {
  for (const [failures, full] of [
    [1, 1000],
    [2, 2000],
    [4, 8000],
    [20, 300_000],
  ] as const) {
    for (let i = 0; i < 50; i++) {
      const delay = doublingBackoff(1000, failures);
      t.true(delay >= full && delay <= Math.min(full * 1.2, 300_000), `${failures} failures: ${delay}`);
    }
  }
});

test('exponential backoff is never shorter than the first delay, also if that is longer than 300 s', (t) => {
  for (const failures of [1, 2, 10]) t.is(doublingBackoff(3_600_000, failures), 3_600_000);
});
