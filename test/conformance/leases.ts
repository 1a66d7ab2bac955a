import type { SerialFn } from 'ava';
import type { Leases } from '../../src/ports/leases.js';

/**
 * Tests for every driver of `Leases`. `of` returns the views of two processes, or the same view
 * twice for a driver that supports only one process.
 */
export function leasesConformance<C>(test: SerialFn<C>, of: (context: C) => [Leases, Leases]): void {
  test('leases: two processes together acquire no more leases than the limit', async (t) => {
    const [here, there] = of(t.context);
    const tries = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? here : there).acquire('fn', 3)),
    );
    t.is(tries.filter((lease) => lease !== null).length, 3);
  });

  test('leases: a released lease can be acquired immediately by any process, and release is idempotent', async (t) => {
    const [here, there] = of(t.context);
    const lease = await here.acquire('fn', 1);
    t.is(await there.acquire('fn', 1), null);
    await lease?.release();
    await lease?.release();
    t.is(await there.held('fn'), 0);
    t.not(await there.acquire('fn', 1), null);
    t.is(await there.held('fn'), 1);
    t.is(await here.acquire('fn', 1), null, 'releasing twice freed two leases');
  });

  test('leases: held returns the number of leases of all processes', async (t) => {
    const [here, there] = of(t.context);
    t.is(await there.held('fn'), 0);
    const lease = await here.acquire('fn', 5);
    await here.acquire('fn', 5);
    t.is(await there.held('fn'), 2);
    await lease?.release();
    t.is(await there.held('fn'), 1);
  });

  test('leases: the limits of two keys are independent', async (t) => {
    const [here] = of(t.context);
    t.not(await here.acquire('a', 1), null);
    t.not(await here.acquire('b', 1), null);
    t.is(await here.acquire('a', 1), null);
    t.deepEqual([await here.held('a'), await here.held('b')], [1, 1]);
  });
}
