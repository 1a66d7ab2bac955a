import test from 'ava';
import { Cancellation } from '../../queues/cancellation.js';
import type { QueueKind } from '../../queues/queue-names.js';
import { type SlotGrant, SlotLimiter } from '../../queues/slot-limiter.js';
import { until } from '../helpers/until.js';

/** The signal of a job that is not cancelled. */
const KEPT = new Cancellation('kept');

test('namespaces whose jobs wait for a slot are served in turn', async (t) => {
  const slots = new SlotLimiter(1);
  const held = takeNow(slots, 'async', 'busy');
  const order: string[] = [];
  const taken = ['busy', 'busy', 'busy', 'other', 'other'].map(async (namespace, index) => {
    const grant = await slots.acquire('async', namespace, KEPT);
    order.push(`${namespace} ${index}`);
    grant?.release();
  });
  held.release();
  await Promise.all(taken);
  t.deepEqual(order, ['busy 0', 'other 3', 'busy 1', 'other 4', 'busy 2']);
  await slots.close();
});

test('a waiting sync job gets the free slot before an async job that has waited longer', async (t) => {
  const slots = new SlotLimiter(1);
  const held = takeNow(slots, 'async', 'one');
  const order: string[] = [];
  const acquired = async (kind: QueueKind, name: string) => {
    const grant = await slots.acquire(kind, 'one', KEPT);
    order.push(name);
    return grant;
  };
  const event = acquired('async', 'event');
  // With one additional slot for sync jobs, the second one has to wait.
  const first = takeNow(slots, 'sync', 'one');
  const call = acquired('sync', 'call');
  held.release();
  first.release();
  (await call)?.release();
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
  const [held] = Array.from({ length: 4 }, () => takeNow(slots, 'async', 'hostile'));
  const [hostile, more, victim] = ['hostile', 'hostile', 'victim'].map((name) =>
    slots.acquire('async', name, KEPT),
  );
  const reserved = await victim;
  t.truthy(reserved);
  // Two jobs are fetched beyond the slots: if both were hostile, no other would be seen.
  t.is(await hostile, null);
  t.is(slots.extraFetches('async'), 3);
  // From now on immediately, up to the limits: one per namespace, two of four slots.
  t.truthy(await slots.acquire('async', 'third', KEPT));
  t.is(slots.extraFetches('async'), 4);
  const fourth = slots.acquire('async', 'fourth', KEPT);
  reserved?.release();
  t.truthy(await fourth);
  t.is(slots.extraFetches('async'), 4);
  held?.release();
  t.truthy(await more);
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
  const held = takeNow(slots, 'async', 'alone');
  const order: string[] = [];
  const [first, second] = ['first', 'second'].map(async (name) => {
    const grant = await slots.acquire('async', 'alone', KEPT);
    order.push(name);
    return grant;
  });
  await until('the limiter has asked twice', () => asked >= 2);
  t.deepEqual(order, []);
  // Only the two probes: no slot is reserved.
  t.is(slots.extraFetches('async'), 2);
  held.release();
  (await first)?.release();
  t.deepEqual(order, ['first']);
  t.truthy(await second);
  t.deepEqual(order, ['first', 'second']);
});

/** Takes a slot that is free at once. */
function takeNow(slots: SlotLimiter, kind: QueueKind, namespace: string): SlotGrant {
  const grant = slots.acquire(kind, namespace, KEPT);
  if (grant instanceof Promise) throw new Error(`No slot is free for ${kind} jobs of ${namespace}.`);
  return grant;
}

/** Takes slots for async jobs until none is free, and returns their number. */
function takeAll(slots: SlotLimiter): number {
  let taken = 0;
  while (taken < 1000 && !(slots.acquire('async', 'busy', KEPT) instanceof Promise)) taken++;
  return taken;
}

test('while sync jobs arrive, async jobs leave a quarter of the slots free', async (t) => {
  const alone = new SlotLimiter(16);
  t.is(takeAll(alone), 16);
  t.false(alone.asyncYields);
  const beside = new SlotLimiter(16);
  takeNow(beside, 'sync', 'calm');
  t.true(beside.asyncYields);
  t.is(takeAll(beside), 12);
  await Promise.all([alone.close(), beside.close()]);
});

test('async jobs can use all slots again after 32 of them per slot were admitted without a sync job', async (t) => {
  const slots = new SlotLimiter(16);
  takeNow(slots, 'sync', 'calm').release();
  let jobs = 0;
  while (slots.asyncYields && jobs < 10_000) {
    takeNow(slots, 'async', 'busy').release();
    jobs++;
  }
  t.is(jobs, 16 * 32);
  t.is(takeAll(slots), 16);
  takeNow(slots, 'sync', 'calm');
  t.true(slots.asyncYields);
  await slots.close();
});

test('while sync jobs hold all slots, async jobs of the same namespace get exactly one reserved slot', async (t) => {
  const slots = new SlotLimiter(4, { limitOf: () => 4, changed: () => {}, hasUnseen: async () => false });
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  t.teardown(() => slots.close());
  for (let n = 0; n < 4; n++) takeNow(slots, 'sync', 'one');
  const [first, second] = ['one', 'one'].map((name) => slots.acquire('async', name, KEPT));
  t.truthy(await first);
  t.is(slots.extraFetches('async'), 3);
  const further = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  t.is(further, 'waits');
  // Sync jobs get no further slot: the extra quarter is only for those beside async jobs.
  const call = slots.acquire('sync', 'one', KEPT);
  t.is(await Promise.race([call, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]), 'waits');
});

test('stopping refuses the jobs that wait to run alone, and later ones', async (t) => {
  const slots = new SlotLimiter(2);
  const held = takeNow(slots, 'async', 'busy');
  const waiting = slots.acquireAlone('async', KEPT);
  slots.stop();
  t.is(await waiting, null);
  t.is(await slots.acquireAlone('sync', KEPT), null);
  // Neither of them counts: one of the two slots is in use, and the process is open.
  const other = takeNow(slots, 'async', 'other');
  t.is(await slots.acquire('async', 'third', KEPT), null);
  held.release();
  other.release();
  await slots.close();
});

test('a job that runs alone begins when all others have ended, and ends before others begin', async (t) => {
  const slots = new SlotLimiter(2);
  const held = takeNow(slots, 'async', 'busy');
  const order: string[] = [];
  const acquired = async (name: string, waiting: ReturnType<SlotLimiter['acquire']>) => {
    const grant = await waiting;
    order.push(name);
    return grant;
  };
  const alone = acquired('alone', slots.acquireAlone('async', KEPT));
  const other = acquired('other', slots.acquire('async', 'other', KEPT));
  held.release();
  const grant = await alone;
  t.deepEqual(order, ['alone']);
  grant?.release();
  t.truthy(await other);
  t.deepEqual(order, ['alone', 'other']);
  await slots.close();
});

test('a job that is cancelled while it waits for a slot waits no longer, and takes none', async (t) => {
  const slots = new SlotLimiter(1);
  const held = takeNow(slots, 'async', 'busy');
  const cancelled = new Cancellation('cancelled');
  const first = slots.acquire('async', 'one', cancelled);
  const second = slots.acquire('async', 'one', KEPT);
  cancelled.abort('cancelled');
  t.is(await first, null);
  t.is(await slots.acquire('async', 'one', cancelled), null, 'cancelled before it waits');
  held.release();
  t.truthy(await second);
  await slots.close();
});

test('a job that is cancelled while it waits to run alone lets the others begin', async (t) => {
  const slots = new SlotLimiter(2);
  const held = takeNow(slots, 'async', 'busy');
  const cancelled = new Cancellation('cancelled');
  const alone = slots.acquireAlone('async', cancelled);
  const other = slots.acquire('async', 'other', KEPT);
  cancelled.abort('cancelled');
  t.is(await alone, null);
  t.truthy(await other);
  held.release();
  t.is(await slots.acquireAlone('async', cancelled), null, 'cancelled before it waits');
  takeNow(slots, 'async', 'third');
  await slots.close();
});

test('long jobs that begin after a job that ran alone let another namespace have a reserved slot', async (t) => {
  const slots = new SlotLimiter(2, { limitOf: () => 3, changed: () => {}, hasUnseen: async () => true });
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  t.teardown(() => slots.close());
  const alone = await slots.acquireAlone('async', KEPT);
  const [first, second, other] = ['one', 'two', 'other'].map((name) => slots.acquire('async', name, KEPT));
  // The watch finds the slots of the job that runs alone not full, and stops.
  await new Promise((resolve) => setTimeout(resolve, 200));
  alone?.release();
  t.truthy(await first);
  t.truthy(await second);
  t.truthy(await other, 'by a reserved slot');
});
