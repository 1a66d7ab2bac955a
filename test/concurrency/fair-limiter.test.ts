import test from 'ava';
import { FairLimiter } from '../../src/concurrency/fair-limiter.js';

/** Starts operations that end on command, and notes the owners in the order in which they begin. */
function started(limiter: FairLimiter, owners: readonly string[]) {
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const all = owners.map((owner) =>
    limiter.run(owner, () => {
      began.push(owner);
      return new Promise<void>((end) => ends.push(end));
    }),
  );
  return { all, began, end: () => ends.shift()?.() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('an owner runs a few operations at once, and others beside it', async (t) => {
  const limiter = new FairLimiter({ each: 2, all: 3 });
  const { all, began, end } = started(limiter, ['a', 'a', 'a', 'a', 'b', 'b']);
  await turn();
  t.deepEqual(began, ['a', 'a', 'b']);
  end();
  await turn();
  t.deepEqual(began, ['a', 'a', 'b', 'a']);
  end();
  await turn();
  t.deepEqual(began, ['a', 'a', 'b', 'a', 'b']);
  for (let n = 0; n < 6; n += 1) {
    end();
    await turn();
  }
  await Promise.all(all);
  t.is(began.length, 6);
});

test('a failed operation lets the next one run', async (t) => {
  const limiter = new FairLimiter({ each: 1, all: 1 });
  const failed = limiter.run('a', () => Promise.reject(new Error('no')));
  const next = limiter.run('a', async () => 'next');
  await t.throwsAsync(failed, { message: 'no' });
  t.is(await next, 'next');
});
