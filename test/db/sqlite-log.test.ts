import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { computing } from '../helpers/endless-query.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const namespace = namespaceSchema.parse('log');
const QUOTA = 10 * MB;
const limits = { timeoutMs: 60_000, maxDatabaseBytes: QUOTA };
/** Reads a row, and so the database as it is at its start, and never ends. */
const READER = 'with recursive n(i) as (select id from t union all select i + 1 from n) select max(i) from n';

test('writes beside an endless query are refused before they take more disk than three times database_mb', async (t) => {
  const databases = await openParsedDatabases({ driver: 'sqlite', directory });
  t.teardown(() => databases.close());
  const execute = (sql: string) => databases.execute(namespace, sql, [], limits);
  const files = ['', '-wal'].map((suffix) => join(directory, `log.sqlite${suffix}`));
  const bytes = () => files.reduce((sum, file) => sum + statSync(file).size, 0);
  await execute('create table t (id integer primary key, b)');
  for (let n = 0; n < 4; n += 1) await execute('insert into t (b) values (randomblob(1000000))');

  const end = new AbortController();
  const reader = databases.query(namespace, READER, [], { timeoutMs: 120_000, signal: end.signal });
  const stopped = t.throwsAsync(reader, { code: 'unavailable' });
  await computing(1);
  const rewrite = async (rounds: number) => {
    for (let round = 0; round < rounds; round += 1) await execute('update t set b = randomblob(1000000)');
  };
  await t.throwsAsync(rewrite(60), { code: 'unavailable', message: /query.*nothing was written/ });
  const most = bytes();
  t.true(most < 3 * QUOTA, `${most / MB} MB`);
  await t.throwsAsync(execute('insert into t (b) values (1)'), { code: 'unavailable' });
  await t.throwsAsync(
    databases.transaction(namespace, Array(2).fill({ kind: 'exec', sql: 'delete from t', args: [] }), limits),
    { code: 'unavailable' },
  );
  t.is(bytes(), most, 'a refused write takes no disk');
  t.is(await databases.quotaBytes(namespace), most, 'the usage shows what is on the disk');
  const count = 'select count(*) as n from t';
  t.deepEqual(await databases.query(namespace, count, [], limits), [{ n: 4 }]);

  end.abort();
  await stopped;
  // A killed process takes a moment to exit.
  await until('a write is accepted', () =>
    execute('update t set b = null').then(
      () => true,
      () => false,
    ),
  );
  await rewrite(12);
  t.true(bytes() < 2 * QUOTA + 5 * MB, 'without the query, the log is begun anew');
  await execute('delete from t');
  t.deepEqual(await databases.query(namespace, count, [], limits), [{ n: 0 }]);
});

test('a log that a long query has made large is cut when it is begun anew', async (t) => {
  const databases = await openParsedDatabases({ driver: 'sqlite', directory });
  t.teardown(() => databases.close());
  const other = namespaceSchema.parse('cut');
  const options = { timeoutMs: 60_000, maxDatabaseBytes: 100 * MB };
  const execute = (sql: string) => databases.execute(other, sql, [], options);
  const logBytes = () => statSync(join(directory, 'cut.sqlite-wal')).size;
  await execute('create table t (id integer primary key, b)');
  await execute('insert into t (b) values (randomblob(4000000))');
  const end = new AbortController();
  const reader = databases.query(other, READER, [], { timeoutMs: 120_000, signal: end.signal });
  const stopped = t.throwsAsync(reader, { code: 'unavailable' });
  await computing(1);
  for (let n = 0; n < 60 && logBytes() <= 20 * MB; n += 1) {
    await execute('update t set b = randomblob(4000000)');
  }
  t.true(logBytes() > 20 * MB);
  end.abort();
  await stopped;
  // A killed process takes a moment to exit.
  await until('the log is cut', async () => {
    await execute('update t set b = randomblob(10)');
    return logBytes() <= 8 * MB;
  });
});
