import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openBus } from '../../src/bus/open.js';
import { HOUR_MS } from '../../src/contract/limits.js';
import { pollOnMessage } from '../../src/core/poll-on-message.js';
import { until } from '../helpers/until.js';

const CHANNEL = 'news';

/** Counts polls until it is stopped. */
async function counting(options: {
  minIntervalMs: number;
  maxIntervalMs: number;
  isRelevant?(message: string): boolean;
}) {
  const bus = await openBus({ driver: 'local' });
  const control = new AbortController();
  const seen: number[] = [];
  const done = (async () => {
    for await (const _ of pollOnMessage(bus, CHANNEL, { ...options, signal: control.signal })) {
      seen.push(performance.now());
    }
  })();
  const stop = async () => {
    control.abort();
    await done;
    await bus.close();
  };
  return { bus, seen, stop };
}

test('a poll is due immediately and for each message', async (t) => {
  const { bus, seen, stop } = await counting({ minIntervalMs: 0, maxIntervalMs: HOUR_MS });
  await until('the first poll', () => seen.length > 0);
  t.is(seen.length, 1);
  await bus.publish(CHANNEL, 'x');
  await until('a poll for the message', () => seen.length > 1);
  await sleep(20);
  t.is(seen.length, 2);
  await stop();
});

test('polls are at least minIntervalMs apart, and a poll follows the last of 100 messages', async (t) => {
  const began = performance.now();
  const { bus, seen, stop } = await counting({ minIntervalMs: 200, maxIntervalMs: HOUR_MS });
  let lastAt = 0;
  for (let n = 0; n < 100; n++) {
    lastAt = performance.now();
    await bus.publish(CHANNEL, 'x');
    await sleep(2);
  }
  await until('a poll after the last message', () => seen.some((each) => each >= lastAt));
  t.true(seen.length <= 2 + (performance.now() - began) / 200, `${seen.length} polls`);
  await stop();
});

test('a message rejected by isRelevant causes no poll', async (t) => {
  const { bus, seen, stop } = await counting({
    minIntervalMs: 0,
    maxIntervalMs: HOUR_MS,
    isRelevant: (message) => message === 'mine',
  });
  await until('the first poll', () => seen.length > 0);
  await bus.publish(CHANNEL, 'other');
  await sleep(20);
  t.is(seen.length, 1);
  await bus.publish(CHANNEL, 'mine');
  await until('a poll for the other message', () => seen.length > 1);
  t.is(seen.length, 2);
  await stop();
});

test('a poll is due after maxIntervalMs without a message', async (t) => {
  const { seen, stop } = await counting({ minIntervalMs: 0, maxIntervalMs: 300 });
  await until('a second poll', () => seen.length > 1);
  const [first = 0, second = 0] = seen;
  t.true(second - first >= 290, `after ${second - first} ms`);
  await stop();
});

test('a stream of many polls keeps no listeners on its signal', async (t) => {
  const bus = await openBus({ driver: 'local' });
  t.teardown(() => bus.close());
  const control = new AbortController();
  let most = 0;
  let count = 0;
  for await (const _ of pollOnMessage(bus, CHANNEL, {
    minIntervalMs: 1,
    maxIntervalMs: 2,
    signal: control.signal,
  })) {
    most = Math.max(most, getEventListeners(control.signal, 'abort').length);
    if (++count === 20) control.abort();
  }
  t.true(most <= 1, `${most} listeners`);
  t.is(getEventListeners(control.signal, 'abort').length, 0);
});
