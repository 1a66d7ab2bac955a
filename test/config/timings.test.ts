import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DEFAULT_TIMINGS, timingsFor } from '../../queues/timings.js';
import { loadConfig } from '../../src/config.js';
import { MAX_ADD_MS } from '../../src/ports/queue.js';

// Times that must agree although they are in different modules. Those that no other module needs
// are read from the source, so that they are not exported for this test alone.

const root = join(import.meta.dirname, '..', '..', '..');

async function constant(file: string, name: string): Promise<number> {
  const source = await readFile(join(root, file), 'utf8');
  const text = new RegExp(`^(?:export )?const ${name} = ([\\d_]+);`, 'm').exec(source)?.[1];
  if (text === undefined) throw new Error(`${file} has no number ${name}; correct this test`);
  return Number(text.replaceAll('_', ''));
}

const commandTimeout = () => constant('src/redis/server.ts', 'COMMAND_TIMEOUT_MS');

/** The time after which Redis certainly does not execute an add any more. */
async function addDecidedAfter(): Promise<number> {
  const file = 'queues/drivers/redis/adds.ts';
  return (await constant(file, 'ADD_WITHIN_MS')) + (await constant(file, 'CLOCK_MARGIN_MS'));
}

test('the job of a dead worker is delivered again within 15 s, which are a lock and two stalled checks', (t) => {
  for (const lockMs of [1000, 2000, DEFAULT_TIMINGS.lockMs]) {
    t.true(lockMs + 2 * timingsFor(lockMs).stalledCheckMs <= 15_000, `${lockMs}`);
  }
});

test('the default of QUEUE_LOCK_SECONDS is the lock that the queue assumes', (t) => {
  t.is(loadConfig({}, {}).config.QUEUE_LOCK_SECONDS * 1000, DEFAULT_TIMINGS.lockMs);
});

test('it is decided whether Redis executes an add before its command times out', async (t) => {
  t.true((await addDecidedAfter()) < (await commandTimeout()));
});

test('Redis executes an add within the time that the queue promises, or never', async (t) => {
  t.true((await addDecidedAfter()) <= MAX_ADD_MS);
});

test('the lease of an idempotency key leaves its holder time to send a job that may take effect late', async (t) => {
  const leaseMs = await constant('src/core/invocations/idempotency.ts', 'LEASE_MS');
  t.true(leaseMs - MAX_ADD_MS >= 1000);
});

test('one slow command of Redis times out before its connection is considered dead', async (t) => {
  t.true((await commandTimeout()) < (await constant('src/redis/server.ts', 'SILENCE_MS')));
});

test('a connection that waits for a job is considered dead only after the longest wait', async (t) => {
  const longestWait = 1000 * (await constant('queues/job-waiter.ts', 'MAX_WAIT_SECONDS'));
  const silence = await constant('queues/drivers/redis/batching-backend.ts', 'BLOCKING_SILENCE_MS');
  t.true(longestWait < silence);
  const poll = 1000 * (await constant('queues/drivers/redis/driver.ts', 'POLL_INTERVAL_SECONDS'));
  t.true(poll <= longestWait);
});

test('schedules tolerate two clocks that are each as wrong as a running process may be', async (t) => {
  const mostSkew = await constant('src/compose/clock.ts', 'MAX_SKEW_MS');
  t.true((await constant('queues/schedules.ts', 'SKEW_MS')) >= 2 * mostSkew);
});

test('a reading of the clock that is used took less time than the skew that it may show', async (t) => {
  const file = 'src/compose/clock.ts';
  t.true((await constant(file, 'MAX_ROUND_TRIP_MS')) < (await constant(file, 'MAX_SKEW_MS')));
});

test('a request whose body takes half the age of a cached credential is authorized again', async (t) => {
  const maxAge = await constant('src/core/fresh-cache.ts', 'MAX_AGE_MS');
  t.true(2 * (await constant('src/http/request/buffer-limits.ts', 'LONG_MS')) <= maxAge);
});
