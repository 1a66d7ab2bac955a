import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import Database from 'libsql';
import { namespaceSchema } from '../../src/contract/ids.js';
import type { AppError } from '../../src/errors.js';
import { testFunctionDatabases } from '../conformance/function-databases.js';
import { ENDLESS_QUERY, opened } from '../helpers/endless-query.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const open = (maxChildren?: number) =>
  openParsedDatabases({
    driver: 'sqlite',
    directory: join(directory, 'databases'),
    ...(maxChildren === undefined ? {} : { maxChildren }),
  });
const [alpha, beta] = [namespaceSchema.parse('alpha'), namespaceSchema.parse('beta')];
const limits = { timeoutMs: 120_000 };
/** Sorts an endless series. */
const GREEDY =
  'with recursive n(i) as (select 1 union all select i + 1 from n) select i, randomblob(5000) as b from n order by b';

testFunctionDatabases('sqlite', async () => {
  const databases = await open();
  return { databases, namespaces: [alpha, beta], close: () => databases.close() };
});

test('ALTER TABLE finds a column that another process has added', async (t) => {
  const [one, other] = [await open(1), await open(1)];
  t.teardown(() => Promise.all([one.close(), other.close()]));
  const namespace = namespaceSchema.parse('altered');
  await one.execute(namespace, 'create table t (a)', [], limits);
  await other.query(namespace, 'select a from t', [], limits);
  await one.execute(namespace, 'alter table t add column b', [], limits);
  await other.execute(namespace, 'alter table t rename column b to c', [], limits);
  await other.query(namespace, 'select c from t', [], limits);
  await one.execute(namespace, 'alter table t add column d', [], limits);
  await t.notThrowsAsync(other.execute(namespace, 'alter table t drop column d', [], limits));
});

test('opening a new file waits for a write transaction of another process', async (t) => {
  const databases = await open();
  t.teardown(() => databases.close());
  const file = join(directory, 'databases', 'new.sqlite');
  const other = new Database(file);
  // The commit waits in turn for the query, which looks at the file now and then.
  other.exec('pragma busy_timeout = 10000; begin immediate; create table t (id integer)');
  const rows = databases.query(namespaceSchema.parse('new'), 'select id from t', [], limits);
  await opened(file);
  // A query that did not wait would fail in this time.
  await sleep(300);
  other.exec('commit');
  other.close();
  t.deepEqual(await rows, []);
});

test('statements queued behind an endless one run after its timeout', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  const endless = databases.query(alpha, ENDLESS_QUERY, [], { timeoutMs: 1_500 });
  const expected = t.throwsAsync(endless, { code: 'unavailable' });
  const behind = await Promise.all(
    [alpha, beta, alpha].map((namespace) => databases.query(namespace, 'select 1 as one', [], limits)),
  );
  t.deepEqual(behind, [[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
  await expected;
});

test('a statement whose timeout elapses in the queue is not executed', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  await databases.execute(alpha, 'create table if not exists late (a)', [], limits);
  const endless = t.throwsAsync(databases.query(alpha, ENDLESS_QUERY, [], { timeoutMs: 2_000 }));
  await t.throwsAsync(databases.execute(beta, 'create table late (a)', [], { timeoutMs: 300 }), {
    code: 'unavailable',
  });
  await endless;
  await t.throwsAsync(databases.query(beta, 'select * from late', [], limits), { message: /no such table/ });
});

test('a write stopped at its timeout is rolled back', async (t) => {
  const databases = await open(2);
  t.teardown(() => databases.close());
  const namespace = namespaceSchema.parse('halfway');
  await databases.execute(namespace, 'create table t (a)', [], limits);
  await t.throwsAsync(
    databases.execute(
      namespace,
      'insert into t with recursive n(i) as (select 1 union all select i + 1 from n) select i from n',
      [],
      { timeoutMs: 700 },
    ),
    { code: 'unavailable' },
  );
  t.deepEqual(await databases.query(namespace, 'select count(*) as n from t', [], limits), [{ n: 0 }]);
  t.is((await databases.execute(namespace, 'insert into t values (1)', [], limits)).rowsAffected, 1);
});

test('a statement that exceeds the memory limit does not affect other statements', async (t) => {
  const databases = await open(2);
  t.teardown(() => databases.close());
  const others = Array.from({ length: 6 }, () => databases.query(beta, 'select 1 as one', [], limits));
  await t.throwsAsync(databases.query(alpha, GREEDY, [], limits), { code: 'invalid_sql', message: /256 MB/ });
  for (const rows of await Promise.all(others)) t.deepEqual(rows, [{ one: 1 }]);
  t.deepEqual(await databases.query(alpha, 'select 2 as two', [], limits), [{ two: 2 }]);
});

test('500 large statements do not exceed the memory limit of their process', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  const wide = Array.from({ length: 400 }, (_, at) => `? + ${at}`).join();
  // Each statement takes megabytes of native memory; a process that leaked it would be killed long
  // before.
  for (let round = 0; round < 500; round += 1) {
    const args = new Array<number>(400).fill(round);
    const [row] = await databases.query(alpha, `select ${round} as round, ${wide}`, args, limits);
    t.is(row?.round, round);
  }
});

test('a value over 64 MB and a statement that uses over 256 MB are rejected', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  for (const sql of ['select hex(randomblob(300000000)) as x', 'select zeroblob(1000000000) as x']) {
    await t.throwsAsync(
      databases.query(alpha, sql, [], limits),
      { code: 'invalid_sql', message: /64 MB/ },
      sql,
    );
  }
  // In a database of its own, since it locks out the writes of the tests beside it.
  const greedy = namespaceSchema.parse('greedy');
  for (const sql of [GREEDY, `create table greedy as ${GREEDY}`]) {
    await t.throwsAsync(
      databases.execute(greedy, sql, [], limits),
      { code: 'invalid_sql', message: /256 MB/ },
      sql,
    );
  }
  t.deepEqual(await databases.query(alpha, 'select 2 as two', [], limits), [{ two: 2 }]);
});

test('a database file written by libsql can be read and written', async (t) => {
  const namespace = namespaceSchema.parse('older');
  const databases = await open(1);
  t.teardown(() => databases.close());
  const older = new Database(join(directory, 'databases', 'older.sqlite'));
  t.teardown(() => older.close());
  older.exec("pragma journal_mode = wal; create table t (a); insert into t values ('before')");
  await databases.execute(namespace, 'insert into t values (?)', ['after'], limits);
  t.deepEqual(await databases.query(namespace, 'select a from t', [], limits), [
    { a: 'before' },
    { a: 'after' },
  ]);
  t.is((older.prepare('select count(*) as n from t').all([]) as { n: number }[])[0]?.n, 2);
});

test('writes over maxDatabaseBytes fail with 413, and deleting rows frees space', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  const namespace = namespaceSchema.parse('bounded');
  const bounded = { ...limits, maxDatabaseBytes: 1 << 20 };
  const insert = 'insert into t values (randomblob(100000))';
  await databases.execute(namespace, 'create table t (a)', [], bounded);
  const over = await t.throwsAsync<AppError>(
    (async () => {
      for (let round = 0; round < 12; round += 1) await databases.execute(namespace, insert, [], bounded);
    })(),
    {
      code: 'quota_exceeded',
      message: /database_mb of namespace "bounded" .*: [01][.\d]* MB of 1 MB are used/,
    },
  );
  t.is(over?.status, 413);
  const [count] = await databases.query(namespace, 'select count(*) as n from t', [], bounded);
  t.true(Number(count?.n) >= 8, 'existing rows are kept');
  await t.throwsAsync(databases.execute(beta, 'insert into nowhere values (1)', [], bounded), {
    code: 'invalid_sql',
  });
  await databases.execute(namespace, 'delete from t where rowid < 4', [], bounded);
  await t.notThrowsAsync(databases.execute(namespace, insert, [], bounded));
  for (let round = 0; round < 12; round += 1) await databases.execute(namespace, insert, [], limits);
});

test('a completed query or one rejected as too large holds no snapshot of the database', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  const namespace = namespaceSchema.parse('snapshot');
  await databases.execute(namespace, 'create table t (a)', [], limits);
  const other = new Database(join(directory, 'databases', 'snapshot.sqlite'));
  t.teardown(() => other.close());
  const checkpoint = () => {
    other.exec('insert into t values (1)');
    return (other.prepare('pragma wal_checkpoint(truncate)').all([]) as { busy: number }[])[0]?.busy;
  };
  await databases.query(namespace, 'select * from t', [], limits);
  t.is(checkpoint(), 0);
  const tooLarge =
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 999) select hex(zeroblob(65536)), a from n, t';
  await t.throwsAsync(databases.query(namespace, tooLarge, [], limits), { message: /8 MB/ });
  // A killed process takes a moment to exit.
  await until('the checkpoint is complete', () => checkpoint() === 0);
  const [count] = await databases.query(namespace, 'select count(*) as n from t', [], limits);
  t.deepEqual([count], other.prepare('select count(*) as n from t').all([]));
});

test('namespaces that differ only in case have separate files', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  for (const name of ['Case', 'case', 'CASE']) {
    await databases.execute(namespaceSchema.parse(name), 'create table only_mine (a)', [], limits);
  }
  const files = readdirSync(join(directory, 'databases')).map((file) => file.toLowerCase());
  t.is(new Set(files).size, files.length);
  t.true(existsSync(join(directory, 'databases', '+case.sqlite')));
});

test('the process of an endless statement exits when the engine is killed', async (t) => {
  const script = fileURLToPath(new URL('./processes/endless-query.js', import.meta.url));
  const engine = spawn(process.execPath, [script, join(directory, 'orphans')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(engine.stdout, 'data');
  const [child = ''] = readFileSync(`/proc/${engine.pid}/task/${engine.pid}/children`, 'utf8').split(' ');
  t.true(existsSync(`/proc/${child}`));
  engine.kill('SIGKILL');
  await once(engine, 'exit');
  for (let tries = 0; existsSync(`/proc/${child}`) && tries < 300; tries += 1) await sleep(100);
  t.false(existsSync(`/proc/${child}`));
});
