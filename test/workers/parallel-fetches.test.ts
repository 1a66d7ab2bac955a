import test from 'ava';
import { createBufferBudget } from '../../src/concurrency/buffer-budget.js';
import { ParallelFetches } from '../../workers/delivery/parallel-fetches.js';
import { aNamespace } from '../helpers/attempt.js';

test('a guest that ends while it waits for a request leaves no wait behind', async (t) => {
  const buffers = createBufferBudget({ all: 1024, each: 1024 });
  const namespace = aNamespace();
  const fetches = new ParallelFetches(() => buffers.reserve(namespace));
  fetches.start(0, () => new Promise(() => {}));
  const waiting = fetches.next(2 ** 31 - 1);
  fetches.close();
  t.timeout(30_000);
  t.is(await waiting, null);
  t.is(await fetches.next(2 ** 31 - 1), null);
});
