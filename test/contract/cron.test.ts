import test from 'ava';
import { cronFaultOf, nextRunAfter } from '../../src/contract/cron.js';

/** Computes each run from the previous one, as a scheduler does. */
function runs(pattern: string, zone: string, from: string, count: number): string[] {
  const times: string[] = [];
  let at: number | null = Date.parse(from);
  for (let n = 0; n < count && at !== null; n++) {
    at = nextRunAfter(pattern, zone, at);
    if (at !== null) times.push(new Date(at).toISOString());
  }
  return times;
}

test('a time skipped by a half-hour daylight saving change is due once, at the change', (t) => {
  // Lord Howe Island: on 4 October 2026 2:00 becomes 2:30.
  t.deepEqual(runs('15 2 * * *', 'Australia/Lord_Howe', '2026-10-02T12:00:00Z', 3), [
    '2026-10-02T15:45:00.000Z',
    '2026-10-03T15:30:00.000Z',
    '2026-10-04T15:15:00.000Z',
  ]);
});

test('a time that occurs twice when clocks go back is due once', (t) => {
  // Lord Howe Island: on 5 April 2026 2:00 becomes 1:30.
  t.deepEqual(runs('45 1 * * *', 'Australia/Lord_Howe', '2026-04-03T12:00:00Z', 3), [
    '2026-04-03T14:45:00.000Z',
    '2026-04-04T14:45:00.000Z',
    '2026-04-05T15:15:00.000Z',
  ]);
  t.deepEqual(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z', 3), [
    '2026-10-24T00:30:00.000Z',
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('a time skipped by a one-hour daylight saving change is due once, at the change', (t) => {
  t.deepEqual(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3), [
    '2026-03-28T01:30:00.000Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
});

test('each of several times of day that a change of the clocks skips or repeats is due once', (t) => {
  // New York: on 8 March 2026 2:00 becomes 3:00, on 1 November 2:00 becomes 1:00.
  t.deepEqual(runs('0 2,14 * * *', 'America/New_York', '2026-03-07T12:00:00Z', 4), [
    '2026-03-07T19:00:00.000Z',
    '2026-03-08T07:00:00.000Z',
    '2026-03-08T18:00:00.000Z',
    '2026-03-09T06:00:00.000Z',
  ]);
  t.deepEqual(runs('0 1,13 * * *', 'America/New_York', '2026-11-01T00:00:00Z', 3), [
    '2026-11-01T05:00:00.000Z',
    '2026-11-01T18:00:00.000Z',
    '2026-11-02T06:00:00.000Z',
  ]);
  // Berlin: on 29 March 2026 2:00 becomes 3:00, on 25 October 3:00 becomes 2:00.
  t.deepEqual(runs('*/20 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:00:00.000Z',
  ]);
  t.deepEqual(runs('0,30 2-3 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 3), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-29T01:30:00.000Z',
    '2026-03-30T00:00:00.000Z',
  ]);
  t.deepEqual(runs('0 */2 * * *', 'Europe/Berlin', '2026-10-24T21:00:00Z', 3), [
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T00:00:00.000Z',
    '2026-10-25T03:00:00.000Z',
  ]);
  // Computed after 2:30 has come and gone for the second time.
  t.deepEqual(runs('*/30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', 1), ['2026-10-26T01:00:00.000Z']);
});

test('a schedule of every hour continues every hour while the clocks change', (t) => {
  t.deepEqual(runs('5 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3), [
    '2026-03-29T00:05:00.000Z',
    '2026-03-29T01:05:00.000Z',
    '2026-03-29T02:05:00.000Z',
  ]);
  t.deepEqual(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:00:00.000Z',
    '2026-10-25T01:30:00.000Z',
    '2026-10-25T02:00:00.000Z',
  ]);
});

test('a schedule has five fields, six fields or a nickname, and no other text or impossible date', (t) => {
  for (const pattern of ['*/5 * * * *', '0 */5 * * * *', '@daily', '@hourly', '0 0 29 2 *'])
    t.is(cronFaultOf(pattern), null);
  for (const pattern of ['', '* * * *', '60 * * * *', '0 0 31 2 *', '@never', 'x * * * *', '* * * * * * *']) {
    t.not(cronFaultOf(pattern), null, pattern);
  }
});
