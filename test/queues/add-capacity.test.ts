import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { AddCapacity } from '../../queues/add-capacity.js';
import { MB } from '../../src/contract/limits.js';

test('concurrent adds hold at most the limit of input bytes plus one job', async (t) => {
  const capacity = new AddCapacity(8 * MB);
  let held = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const bytes = (1 + (n % 5)) * MB;
      await capacity.acquire(`namespace-${n % 3}`, bytes);
      held += bytes;
      most = Math.max(most, held);
      await setImmediate();
      held -= bytes;
      capacity.release(bytes);
    }),
  );
  t.is(held, 0);
  t.true(most <= 8 * MB + 5 * MB && most >= 8 * MB, String(most));
});

test('namespaces that wait for capacity are admitted in turn, and small jobs are admitted at once', async (t) => {
  const capacity = new AddCapacity(8 * MB);
  t.is(capacity.acquire('busy', 8 * MB), null);
  const order: string[] = [];
  const waiting = ['busy', 'busy', 'busy', 'other'].map(async (namespace) => {
    await capacity.acquire(namespace, 8 * MB);
    order.push(namespace);
    await setImmediate();
    capacity.release(8 * MB);
  });
  t.is(capacity.acquire('victim', 1000), null);
  capacity.release(1000);
  capacity.release(8 * MB);
  await Promise.all(waiting);
  t.deepEqual(order, ['busy', 'other', 'busy', 'busy']);
});
