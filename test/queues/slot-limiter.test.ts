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

/** Takes slots for async jobs until none is free, and says how many there were. */
function takeAll(slots: SlotLimiter): number {
  let taken = 0;
  while (taken < 1000 && slots.acquire('async', 'busy') === null) taken++;
  return taken;
}

test('while sync jobs come in, async jobs leave a quarter of the slots free, however slow the machine is', async (t) => {
  const alone = new SlotLimiter(16);
  t.is(takeAll(alone), 16);
  t.false(alone.asyncYields);
  const beside = new SlotLimiter(16);
  t.is(beside.acquire('sync', 'calm'), null);
  t.true(beside.asyncYields);
  t.is(takeAll(beside), 12);
  await Promise.all([alone.close(), beside.close()]);
});

test('async jobs have all slots again when enough of them were admitted after the last sync job', async (t) => {
  const slots = new SlotLimiter(16);
  t.is(slots.acquire('sync', 'calm'), null);
  slots.release('sync', 'calm');
  let jobs = 0;
  while (slots.asyncYields && jobs < 10_000) {
    t.is(slots.acquire('async', 'busy'), null);
    slots.release('async', 'busy');
    jobs++;
  }
  t.is(jobs, 16 * 32);
  t.is(takeAll(slots), 16);
  t.is(slots.acquire('sync', 'calm'), null);
  t.true(slots.asyncYields);
  await slots.close();
});
