import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { AddRoom } from '../../queues/add-room.js';

const MB = 1 << 20;

test('concurrent adds hold at most the limit of input bytes plus one job', async (t) => {
  const room = new AddRoom(8 * MB);
  let held = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const bytes = (1 + (n % 5)) * MB;
      await room.enter(`namespace-${n % 3}`, bytes);
      held += bytes;
      most = Math.max(most, held);
      await setImmediate();
      held -= bytes;
      room.leave(bytes);
    }),
  );
  t.is(held, 0);
  t.true(most <= 8 * MB + 5 * MB && most >= 8 * MB, String(most));
});

test('namespaces that wait for room are admitted in turn, and small jobs are admitted at once', async (t) => {
  const room = new AddRoom(8 * MB);
  t.is(room.enter('busy', 8 * MB), null);
  const order: string[] = [];
  const entered = ['busy', 'busy', 'busy', 'other'].map(async (namespace) => {
    await room.enter(namespace, 8 * MB);
    order.push(namespace);
    await setImmediate();
    room.leave(8 * MB);
  });
  t.is(room.enter('victim', 1000), null);
  room.leave(1000);
  room.leave(8 * MB);
  await Promise.all(entered);
  t.deepEqual(order, ['busy', 'other', 'busy', 'busy']);
});
