import test from 'ava';
import { SlotLimiter } from '../../queues/slot-limiter.js';

test('namespaces whose jobs wait for a slot get one in time', async (t) => {
  const slots = new SlotLimiter(1);
  t.is(slots.acquire('async', 'busy'), null);
  const order: string[] = [];
  const taken = ['busy', 'busy', 'busy', 'other', 'other'].map(async (namespace, index) => {
    await slots.acquire('async', namespace);
    order.push(`${namespace} ${index}`);
    slots.release('async', namespace);
  });
  slots.release('async', 'busy');
  await Promise.all(taken);
  t.deepEqual(order, ['busy 0', 'other 3', 'busy 1', 'other 4', 'busy 2']);
  await slots.close();
});

test('calls get the hand before events, whoever came first', async (t) => {
  const slots = new SlotLimiter(1);
  t.is(slots.acquire('async', 'one'), null);
  const order: string[] = [];
  const event = slots.acquire('async', 'one')?.then(() => order.push('event'));
  // With one hand more for calls, the second of them has to wait.
  t.is(slots.acquire('sync', 'one'), null);
  const call = slots.acquire('sync', 'one')?.then(() => order.push('call'));
  slots.release('async', 'one');
  slots.release('sync', 'one');
  await call;
  slots.release('sync', 'one');
  await event;
  t.deepEqual(order, ['call', 'event']);
  await slots.close();
});

test('a namespace without a slot gets a reserved one while long jobs hold all, and what is in the way makes way', async (t) => {
  const slots = new SlotLimiter(4, { limitOf: () => 4, changed: () => {} });
  t.teardown(() => slots.close());
  for (let n = 0; n < 4; n++) t.is(slots.acquire('async', 'hostile'), null);
  const [hostile, more, victim] = ['hostile', 'hostile', 'victim'].map((name) =>
    slots.acquire('async', name),
  );
  t.is(await victim, 'reserved');
  // Two are fetched beyond the slots: with both in the way nobody else would be seen.
  t.is(await hostile, 'none');
  t.is(slots.extraFetches('async'), 3);
  // At once from now on, as far as it goes: one for a namespace, two of four slots.
  t.is(await slots.acquire('async', 'third'), 'reserved');
  const fourth = slots.acquire('async', 'fourth');
  slots.release('async', 'victim', 'reserved');
  t.is(await fourth, 'reserved');
  slots.release('async', 'hostile');
  t.is(await more, 'slot');
});
