import type { SerialFn } from 'ava';
import type { Backlog } from '../../src/ports/backlog.js';

/** Tests for every driver of `Backlog`. The context's backlog is empty. */
export function backlogConformance<C>(test: SerialFn<C>, of: (context: C) => Backlog): void {
  test('backlog: records are drained once and in the order in which they were pushed', async (t) => {
    const backlog = of(t.context);
    await backlog.push(['a', 'b', 'c']);
    await backlog.push(['d']);
    t.is(await backlog.size(), 4);
    t.deepEqual(await take(backlog, 3), ['a', 'b', 'c']);
    t.deepEqual(await take(backlog, 3), ['d']);
    t.deepEqual(await take(backlog, 3), []);
    t.is(await backlog.size(), 0);
  });

  test('backlog: records whose handler fails are delivered again', async (t) => {
    const backlog = of(t.context);
    await backlog.push(['a', 'b']);
    await t.throwsAsync(
      backlog.drain({ records: 1, bytes: 1 << 20 }, async () => {
        throw new Error('the store is unreachable');
      }),
      { message: 'the store is unreachable' },
    );
    t.is(await backlog.size(), 2);
    t.deepEqual([...(await take(backlog, 10)), ...(await take(backlog, 10))], ['a', 'b']);
  });

  test('backlog: two concurrent drains deliver no record twice', async (t) => {
    const backlog = of(t.context);
    const records = Array.from({ length: 50 }, (_, index) => String(index));
    await backlog.push(records);
    const taken = await Promise.all([take(backlog, 25), take(backlog, 25)]);
    t.deepEqual(taken.flat().sort(), records.sort());
  });

  test('backlog: a drain ends with the record that reaches the limit of bytes', async (t) => {
    const backlog = of(t.context);
    await backlog.push(['x'.repeat(5000), 'a'.repeat(600), 'b'.repeat(600), 'c']);
    const sizes: number[][] = [];
    const drain = () =>
      backlog.drain({ records: 10, bytes: 1000 }, async (records) => {
        sizes.push(records.map(({ length }) => length));
      });
    while ((await drain()) > 0);
    t.deepEqual(sizes, [[5000], [600, 600], [1]]);
  });

  test('backlog: records that were set aside are not drained', async (t) => {
    const backlog = of(t.context);
    await backlog.push(['a']);
    await backlog.setAside(['refused', 'refused \0 too']);
    t.deepEqual(await take(backlog, 10), ['a']);
    t.is(await backlog.size(), 0);
  });

  test('backlog: empty, large, NUL and unpaired surrogate strings are kept', async (t) => {
    const backlog = of(t.context);
    const records = ['', '\0', '{"a":"\\u0000"}', '\u{1F600} \uD800', 'x'.repeat(1 << 20)];
    await backlog.push(records);
    const taken = await take(backlog, 10);
    t.is(taken.length, records.length);
    t.deepEqual(
      taken.map((record) => record.length),
      records.map((record) => record.length),
    );
    t.is(taken[1], '\0');
  });
}

async function take(backlog: Backlog, limit: number): Promise<string[]> {
  const taken: string[] = [];
  const count = await backlog.drain({ records: limit, bytes: 8 << 20 }, async (records) => {
    taken.push(...records);
  });
  if (count !== taken.length) throw new Error('drain miscounted');
  return taken;
}
