import test from 'ava';
import { Hands } from '../../queues/hands.js';

test('namespaces whose jobs wait for a hand get one in turn', async (t) => {
  const hands = new Hands(1);
  t.is(hands.take('invocations', 'busy'), null);
  const order: string[] = [];
  const taken = ['busy', 'busy', 'busy', 'other', 'other'].map(async (namespace, index) => {
    await hands.take('invocations', namespace);
    order.push(`${namespace} ${index}`);
    hands.giveBack('invocations');
  });
  hands.giveBack('invocations');
  await Promise.all(taken);
  t.deepEqual(order, ['busy 0', 'other 3', 'busy 1', 'other 4', 'busy 2']);
  await hands.close();
});

test('calls get the hand before events, whoever came first', async (t) => {
  const hands = new Hands(1);
  t.is(hands.take('invocations', 'one'), null);
  const order: string[] = [];
  const event = hands.take('invocations', 'one')?.then(() => order.push('event'));
  // With one hand more for calls, the second of them has to wait.
  t.is(hands.take('calls', 'one'), null);
  const call = hands.take('calls', 'one')?.then(() => order.push('call'));
  hands.giveBack('invocations');
  hands.giveBack('calls');
  await call;
  hands.giveBack('calls');
  await event;
  t.deepEqual(order, ['call', 'event']);
  await hands.close();
});
