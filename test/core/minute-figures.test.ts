import test from 'ava';
import { HOUR_MS } from '../../src/contract/limits.js';
import { createMinuteFigures } from '../../src/core/observability/minute-figures.js';
import type { StatsQuery } from '../../src/ports/store/attempts.js';
import { aNamespace } from '../helpers/attempt.js';

const MINUTE_MS = 60_000;
/** The middle of a minute. */
const START = 30_000_000 * MINUTE_MS + 30_000;

/**
 * A store in which every minute has the same figures, with the minutes requested from it, relative
 * to the clock.
 */
function aStore() {
  const state = {
    now: START,
    ended: 10,
    asked: [] as [first: number, last: number][],
    totals: [] as number[],
  };
  const minutesOf = ({ since, until }: StatsQuery) =>
    Array.from({ length: (until - since) / MINUTE_MS }, (_, at) => since / MINUTE_MS + at);
  const figures = createMinuteFigures(
    {
      async perMinute(query) {
        const current = Math.floor(state.now / MINUTE_MS);
        const minutes = minutesOf(query);
        state.asked.push([current - (minutes[0] ?? 0), current - (minutes.at(-1) ?? 0)]);
        return minutes.map((minute) => ({ minute, state: 'success' as const, count: state.ended }));
      },
      async durations(query, total) {
        state.totals.push(total);
        return minutesOf(query).flatMap((minute) => [1, 2, 9].map((ms) => ({ minute, ms })));
      },
    },
    () => state.now,
  );
  return { state, figures };
}

test('the first request reads the whole window, and later requests only its last minutes', async (t) => {
  const { state, figures } = aStore();
  const request = { namespace: aNamespace(), windowMs: HOUR_MS };
  const first = await figures(request);
  t.is(first.length, 60);
  t.like(first[0], { success: 10, accepted: 10, p50_ms: 2, p95_ms: 9 });
  t.deepEqual(state.asked.splice(0), [[59, 0]]);
  t.deepEqual(state.totals.splice(0), [600]);
  state.ended = 20;
  state.now += 5000;
  const second = await figures(request);
  t.deepEqual(state.asked.splice(0), [[0, 0]]);
  t.deepEqual([second.at(-1)?.success, second.at(-3)?.success], [20, 10]);
  // The sample is still proportional to the whole window.
  t.deepEqual(state.totals.splice(0), [610]);
  t.deepEqual(await figures(request), second);
  t.deepEqual(state.asked, []);
});

test('an older minute is read again when a quarter of its age has passed', async (t) => {
  const { state, figures } = aStore();
  const request = { namespace: aNamespace(), windowMs: 10 * MINUTE_MS };
  await figures(request);
  state.ended = 20;
  for (let seconds = 0; seconds < 4 * 60; seconds += 5) {
    state.now += 5000;
    const shown = await figures(request);
    for (const [index, { minute, success }] of shown.entries()) {
      const age = state.now - Date.parse(minute) - MINUTE_MS;
      const since = state.now - START;
      if (since > Math.max(2000, age / 4) + 5000) t.is(success, 20, `${index} after ${seconds} s`);
    }
  }
  const read = state.asked.reduce((sum, [first, last]) => sum + first - last + 1, 0);
  // Of 48 readings of ten minutes each.
  t.true(read < 200, `${read} minutes were read`);
});

test('figures are cached per namespace and shared by windows of different lengths', async (t) => {
  const { state, figures } = aStore();
  const namespace = aNamespace();
  await figures({ namespace, windowMs: 10 * MINUTE_MS });
  t.is((await figures({ namespace, windowMs: 20 * MINUTE_MS })).length, 20);
  t.deepEqual(state.asked.splice(0), [
    [9, 0],
    [19, 10],
  ]);
  await figures({ namespace: aNamespace(), windowMs: 10 * MINUTE_MS });
  t.deepEqual(state.asked, [[9, 0]]);
});

test('concurrent requests for overlapping windows return complete figures', async (t) => {
  const { figures } = aStore();
  const namespace = aNamespace();
  const both = await Promise.all(
    [10, 20, 10].map((minutes) => figures({ namespace, windowMs: minutes * MINUTE_MS })),
  );
  for (const window of both) t.true(window.every(({ p50_ms: p50 }) => p50 === 2));
});

test('a failed read of the store is not cached', async (t) => {
  let isAway = true;
  const figures = createMinuteFigures({
    async perMinute({ since }) {
      return [{ minute: since / MINUTE_MS, state: 'success', count: 1 }];
    },
    async durations() {
      if (isAway) throw new Error('away');
      return [];
    },
  });
  const request = { namespace: aNamespace(), windowMs: MINUTE_MS };
  await t.throwsAsync(figures(request));
  isAway = false;
  t.is((await figures(request))[0]?.success, 1);
});
