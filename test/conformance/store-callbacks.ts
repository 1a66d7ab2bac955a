import test from 'ava';
import { MAX_CALLBACK_ATTEMPTS } from '../../src/contract/limits.js';
import { aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

/** Tests about the records of callbacks. */
export function testCallbacks(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: callback attempts are counted with their result and last error, and swept by age`, async (t) => {
    const { callbacks } = await get();
    const namespace = aNamespace();
    const [tried, untold] = [aRequestId(), aRequestId()];
    await callbacks.add({ id: tried, namespace, url: 'http://receiver/', bytes: 7 });
    t.deepEqual((await callbacks.get([tried, untold])).get(tried), {
      url: 'http://receiver/',
      attempts: 0,
      deliveredAt: null,
      lastError: null,
    });
    await callbacks.attempted(tried, 'http://receiver/', {
      deliveredAt: null,
      error: 'status 500',
      isLast: false,
    });
    await callbacks.add({ id: tried, namespace, url: 'http://receiver/', bytes: 7 });
    t.like((await callbacks.get([tried])).get(tried), { attempts: 1, lastError: 'status 500' });
    await callbacks.attempted(tried, 'http://receiver/', { deliveredAt: 7, error: null, isLast: true });
    await callbacks.attempted(tried, 'http://receiver/', { deliveredAt: 9, error: null, isLast: true });
    t.like((await callbacks.get([tried])).get(tried), { attempts: 3, deliveredAt: 7, lastError: null });
    // The store was unreachable when the callback was to be added.
    await callbacks.attempted(untold, 'http://other/', { deliveredAt: null, error: 'x', isLast: false });
    t.like((await callbacks.get([untold])).get(untold), { url: 'http://other/', attempts: 1 });
    t.is((await callbacks.get([])).size, 0);
    t.is(await callbacks.sweep(Date.now() - 60_000), 0);
    while ((await callbacks.sweep(Date.now() + 60_000)) > 0);
    t.is((await callbacks.get([tried, untold])).size, 0);
  });

  // Serial, since the test above deletes the callbacks of all.
  test.serial(
    `${driver}: callbacks wait until they are delivered, given up or tried often enough`,
    async (t) => {
      const { callbacks } = await get();
      const namespace = aNamespace();
      const url = 'http://receiver/';
      const ids = [aRequestId(), aRequestId(), aRequestId(), aRequestId()] as const;
      for (const [at, id] of ids.entries()) await callbacks.add({ id, namespace, url, bytes: 10 ** at });
      await callbacks.add({ id: aRequestId(), namespace: aNamespace(), url, bytes: 5 });
      t.deepEqual(await callbacks.waiting(namespace), { count: 4, bytes: 1111 });
      const failed = { deliveredAt: null, error: 'status 500', isLast: false };
      for (const id of ids) await callbacks.attempted(id, url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 4, bytes: 1111 });
      await callbacks.attempted(ids[0], url, { deliveredAt: 7, error: null, isLast: false });
      t.deepEqual(await callbacks.waiting(namespace), { count: 3, bytes: 1110 });
      await callbacks.attempted(ids[1], url, { ...failed, isLast: true });
      t.deepEqual(await callbacks.waiting(namespace), { count: 2, bytes: 1100 });
      for (let n = 2; n < MAX_CALLBACK_ATTEMPTS; n += 1) await callbacks.attempted(ids[2], url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 2, bytes: 1100 });
      await callbacks.attempted(ids[2], url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 1, bytes: 1000 });
      t.deepEqual(await callbacks.waiting(aNamespace()), { count: 0, bytes: 0 });

      const pending = await callbacks.pending(Date.now() + 1, 1000);
      t.deepEqual(
        ids.filter((id) => pending.includes(id)),
        [ids[3]],
      );
      t.is((await callbacks.pending(Date.now() + 1, 1)).length, 1);
      t.false((await callbacks.pending(Date.now() - 60_000, 1000)).includes(ids[3]));
      await callbacks.giveUp([ids[0], ids[3]], 'removed');
      t.deepEqual(await callbacks.waiting(namespace), { count: 0, bytes: 0 });
      const found = await callbacks.get(ids);
      t.like(found.get(ids[0]), { deliveredAt: 7, lastError: null }, 'it had ended');
      t.like(found.get(ids[3]), { deliveredAt: null, lastError: 'removed' });
    },
  );
}
