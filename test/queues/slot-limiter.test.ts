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
