import test from 'ava';
import { SlotLimiter } from '../../queues/slot-limiter.js';

test('namespaces whose jobs wait for a hand get one in time', async (t) => {
  const hands = new SlotLimiter(1);
  t.is(hands.acquire('async', 'busy'), null);
  const order: string[] = [];
  const taken = ['busy', 'busy', 'busy', 'other', 'other'].map(async (namespace, index) => {
    await hands.acquire('async', namespace);
    order.push(`${namespace} ${index}`);
    hands.release('async');
  });
  hands.release('async');
  await Promise.all(taken);
  t.deepEqual(order, ['busy 0', 'other 3', 'busy 1', 'other 4', 'busy 2']);
  await hands.close();
});

test('calls get the hand before events, whoever came first', async (t) => {
  const hands = new SlotLimiter(1);
  t.is(hands.acquire('async', 'one'), null);
  const order: string[] = [];
  const event = hands.acquire('async', 'one')?.then(() => order.push('event'));
  // With one hand more for calls, the second of them has to wait.
  t.is(hands.acquire('sync', 'one'), null);
  const call = hands.acquire('sync', 'one')?.then(() => order.push('call'));
  hands.release('async');
  hands.release('sync');
  await call;
  hands.release('sync');
  await event;
  t.deepEqual(order, ['call', 'event']);
  await hands.close();
});
