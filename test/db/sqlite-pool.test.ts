import { getPriority } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { mayStart } from '../../db/function-databases/drivers/sqlite-pool.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { computing, ENDLESS_QUERY, sqliteChildren } from '../helpers/endless-query.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const limits = { timeoutMs: 30_000 };

test.serial(
  'every query of a fifth namespace is answered while four namespaces run endless queries',
  async (t) => {
    const databases = await openParsedDatabases({ driver: 'sqlite', directory: join(directory, 'fair') });
    t.teardown(() => databases.close());
    const victim = namespaceSchema.parse('victim');
    const query = () => databases.query(victim, 'select 1 as one', [], limits);
    await query();
    const ends: AbortController[] = [];
    const attacks = ['a', 'b', 'c', 'd'].flatMap((name) =>
      Array.from({ length: 8 }, () => {
        const end = new AbortController();
        ends.push(end);
        const options = { timeoutMs: 120_000, signal: end.signal };
        return databases.query(namespaceSchema.parse(name), ENDLESS_QUERY, [], options);
      }),
    );
    let endedAttacks = 0;
    const ended = Promise.all(
      attacks.map((attack) =>
        attack.then(
          () => endedAttacks++,
          () => endedAttacks++,
        ),
      ),
    );
    // As many as four namespaces may start, see the next test.
    await computing(12);
    // A query that had to wait for an endless one would fail at its own timeout, which is shorter.
    for (let round = 0; round < 5; round += 1) {
      t.deepEqual(await query(), [{ one: 1 }]);
      t.is(endedAttacks, 0);
    }
    for (const end of ends) end.abort();
    await ended;
  },
);

test('a namespace may start its first process when one is free, and further ones when more are free', (t) => {
  t.true(mayStart(0, 1, 4));
  t.false(mayStart(0, 0, 4));
  t.true(mayStart(1, 2, 4));
  t.false(mayStart(1, 1, 4));
  t.false(mayStart(4, 12, 4));
  for (const attackers of [4, 5, 8, 15]) {
    const running = new Array<number>(attackers).fill(0);
    let free = 16;
    for (let round = 0; round < 100; round += 1) {
      const at = round % attackers;
      if (!mayStart(running[at] ?? 0, free, 4)) continue;
      running[at] = (running[at] ?? 0) + 1;
      free -= 1;
    }
    t.true(free >= 1, `${attackers} namespaces leave ${free} of 16`);
    t.true(Math.max(...running) - Math.min(...running) <= 1, 'the namespaces have equal shares');
  }
});

test.serial(
  'statements run at a lower priority, long ones at the lowest, and a slowed process is not reused',
  async (t) => {
    const databases = await openParsedDatabases({
      driver: 'sqlite',
      directory: join(directory, 'nice'),
      maxChildren: 1,
    });
    t.teardown(() => databases.close());
    const namespace = namespaceSchema.parse('nice');
    const nice = () => sqliteChildren().map((pid) => getPriority(pid));
    await databases.query(namespace, 'select 1', [], limits);
    const own = getPriority();
    t.deepEqual(nice(), [Math.min(own + 5, 19)]);
    const first = sqliteChildren();
    // Twice as long until it takes long on this machine, too.
    for (let rows = 8_000_000, isLowest = false; !isLowest; rows *= 2) {
      const count = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) select max(i) as m from n`;
      let hasEnded = false;
      const long = databases.query(namespace, count, [], limits).finally(() => {
        hasEnded = true;
      });
      await until('the long statement has the lowest priority, or has ended', () => {
        isLowest = nice()[0] === Math.min(own + 15, 19);
        return isLowest || hasEnded;
      });
      t.deepEqual(await long, [{ m: rows }]);
    }
    await databases.query(namespace, 'select 1', [], limits);
    t.deepEqual(nice(), [Math.min(own + 5, 19)]);
    t.notDeepEqual(sqliteChildren(), first);
  },
);
