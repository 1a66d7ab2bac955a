import test from 'ava';
import { SlotLimiter } from '../../queues/slot-limiter.js';
import { until } from '../helpers/until.js';

test('namespaces whose jobs wait for a slot are served in turn', async (t) => {
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

test('a waiting sync job gets the free slot before an async job that has waited longer', async (t) => {
  const slots = new SlotLimiter(1);
  t.is(slots.acquire('async', 'one'), null);
  const order: string[] = [];
  const event = slots.acquire('async', 'one')?.then(() => order.push('event'));
  // With one additional slot for sync jobs, the second one has to wait.
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

test('while long jobs hold all slots, other namespaces get one reserved slot each, up to a limit', async (t) => {
  const slots = new SlotLimiter(4, { limitOf: () => 4, changed: () => {}, hasUnseen: async () => true });
  // The limiter's timer does not keep the process alive.
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  t.teardown(() => slots.close());
  for (let n = 0; n < 4; n++) t.is(slots.acquire('async', 'hostile'), null);
  const [hostile, more, victim] = ['hostile', 'hostile', 'victim'].map((name) =>
    slots.acquire('async', name),
  );
  t.is(await victim, 'reserved');
  // Two jobs are fetched beyond the slots: if both were hostile, no other would be seen.
  t.is(await hostile, 'none');
  t.is(slots.extraFetches('async'), 3);
  // From now on immediately, up to the limits: one per namespace, two of four slots.
  t.is(await slots.acquire('async', 'third'), 'reserved');
  const fourth = slots.acquire('async', 'fourth');
  slots.release('async', 'victim', 'reserved');
  t.is(await fourth, 'reserved');
  slots.release('async', 'hostile');
  t.is(await more, 'slot');
});

test('while only one namespace has jobs, none gets a reserved slot and their order is kept', async (t) => {
  let asked = 0;
  const hasUnseen = async (kind: string, seen: ReadonlySet<string>) => {
    asked++;
    t.deepEqual([kind, [...seen]], ['async', ['alone']]);
    return false;
  };
  const slots = new SlotLimiter(1, { limitOf: () => 1, changed: () => {}, hasUnseen });
  t.teardown(() => slots.close());
  t.is(slots.acquire('async', 'alone'), null);
  const order: string[] = [];
  const next = ['first', 'second'].map(async (name) => {
    order.push(`${name} ${await slots.acquire('async', 'alone')}`);
  });
  await until('the limiter has asked twice', () => asked >= 2);
  slots.release('async', 'alone');
  await until('the first is admitted', () => order.length === 1);
  slots.release('async', 'alone');
  await Promise.all(next);
  t.deepEqual(order, ['first slot', 'second slot']);
});

/** Takes slots for async jobs until none is free, and returns their number. */
function takeAll(slots: SlotLimiter): number {
  let taken = 0;
  while (taken < 1000 && slots.acquire('async', 'busy') === null) taken++;
  return taken;
}

test('while sync jobs arrive, async jobs leave a quarter of the slots free', async (t) => {
  const alone = new SlotLimiter(16);
  t.is(takeAll(alone), 16);
  t.false(alone.asyncYields);
  const beside = new SlotLimiter(16);
  t.is(beside.acquire('sync', 'calm'), null);
  t.true(beside.asyncYields);
  t.is(takeAll(beside), 12);
  await Promise.all([alone.close(), beside.close()]);
});

test('async jobs can use all slots again after 32 of them per slot were admitted without a sync job', async (t) => {
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

test('while sync jobs hold all slots, async jobs of the same namespace get exactly one reserved slot', async (t) => {
  const slots = new SlotLimiter(4, { limitOf: () => 4, changed: () => {}, hasUnseen: async () => false });
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  t.teardown(() => slots.close());
  for (let n = 0; n < 4; n++) t.is(slots.acquire('sync', 'one'), null);
  const [first, second] = ['one', 'one'].map((name) => slots.acquire('async', name));
  t.is(await first, 'reserved');
  const further = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  t.is(further, 'waits');
  // Sync jobs get no further slot: the extra quarter is only for those beside async jobs.
  const call = slots.acquire('sync', 'one');
  t.is(await Promise.race([call, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]), 'waits');
});

test('stopping refuses the jobs that wait to run alone, and later ones', async (t) => {
  const slots = new SlotLimiter(2);
  t.is(slots.acquire('async', 'busy'), null);
  const waiting = slots.acquireAlone('async');
  slots.stop();
  t.is(await waiting, 'none');
  t.is(await slots.acquireAlone('sync'), 'none');
  slots.releaseAlone('async', 'none');
  // Neither of them counts: one of the two slots is in use, and the process is open.
  t.is(slots.acquire('async', 'other'), null);
  t.is(await slots.acquire('async', 'third'), 'none');
  slots.release('async', 'busy');
  slots.release('async', 'other');
  await slots.close();
});

test('a job that runs alone begins when all others have ended, and ends before others begin', async (t) => {
  const slots = new SlotLimiter(2);
  t.is(slots.acquire('async', 'busy'), null);
  const order: string[] = [];
  const alone = slots.acquireAlone('async').then((grant) => order.push(`alone ${grant}`));
  const other = slots.acquire('async', 'other')?.then((grant) => order.push(`other ${grant}`));
  slots.release('async', 'busy');
  await alone;
  t.deepEqual(order, ['alone slot']);
  slots.releaseAlone('async', 'slot');
  await other;
  t.deepEqual(order, ['alone slot', 'other slot']);
  await slots.close();
});
