import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openBus } from '../../src/bus/open.js';
import { ticks } from '../../src/core/ticks.js';

const CHANNEL = 'news';

/** Counts ticks until it is stopped. */
async function counting(options: {
  minIntervalMs: number;
  maxIntervalMs: number;
  isRelevant?(message: string): boolean;
}) {
  const bus = await openBus({ driver: 'local' });
  const control = new AbortController();
  const seen: number[] = [];
  const done = (async () => {
    for await (const _ of ticks(bus, CHANNEL, { ...options, signal: control.signal })) {
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

const HOUR = 3_600_000;

test('a tick is emitted immediately and for each message', async (t) => {
  const { bus, seen, stop } = await counting({ minIntervalMs: 0, maxIntervalMs: HOUR });
  await sleep(20);
  t.is(seen.length, 1);
  await bus.publish(CHANNEL, 'x');
  await sleep(20);
  t.is(seen.length, 2);
  await stop();
});

test('ticks are at least minIntervalMs apart, and a tick follows the last of 100 messages', async (t) => {
  const began = performance.now();
  const { bus, seen, stop } = await counting({ minIntervalMs: 200, maxIntervalMs: HOUR });
  for (let n = 0; n < 100; n++) {
    await bus.publish(CHANNEL, 'x');
    await sleep(2);
  }
  const at = performance.now();
  while (!seen.some((each) => each >= at)) await sleep(10);
  t.true(seen.length <= 2 + (performance.now() - began) / 200, `${seen.length} ticks`);
  await stop();
});

test('a message rejected by isRelevant emits no tick', async (t) => {
  const { bus, seen, stop } = await counting({
    minIntervalMs: 0,
    maxIntervalMs: HOUR,
    isRelevant: (message) => message === 'mine',
  });
  await bus.publish(CHANNEL, 'mine');
  while (seen.length === 0) await sleep(10);
  const before = seen.length;
  await bus.publish(CHANNEL, 'other');
  await sleep(20);
  t.is(seen.length, before);
  await bus.publish(CHANNEL, 'mine');
  while (seen.length === before) await sleep(10);
  await stop();
});

test('a tick is emitted after maxIntervalMs', async (t) => {
  const { seen, stop } = await counting({ minIntervalMs: 0, maxIntervalMs: 300 });
  while (seen.length < 2) await sleep(10);
  const [first = 0, second = 0] = seen;
  t.true(second - first >= 290);
  await stop();
});

test('a stream of many ticks keeps no listeners on its signal', async (t) => {
  const bus = await openBus({ driver: 'local' });
  t.teardown(() => bus.close());
  const control = new AbortController();
  let most = 0;
  let count = 0;
  for await (const _ of ticks(bus, CHANNEL, { minIntervalMs: 1, maxIntervalMs: 2, signal: control.signal })) {
    most = Math.max(most, getEventListeners(control.signal, 'abort').length);
    if (++count === 20) control.abort();
  }
  t.true(most <= 1, `${most} listeners`);
  t.is(getEventListeners(control.signal, 'abort').length, 0);
});
