import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import Database from 'libsql';
import { openFunctionDatabases } from '../../db/functions/open.js';
import { guard } from '../../db/functions/statement.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { testFunctionDatabases } from '../conformance/function-databases.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const open = (maxChildren?: number) =>
  openFunctionDatabases({
    driver: 'sqlite',
    directory: join(directory, 'databases'),
    ...(maxChildren === undefined ? {} : { maxChildren }),
  });
const [alpha, beta] = [namespaceSchema.parse('alpha'), namespaceSchema.parse('beta')];
const limits = { timeoutMs: 30_000 };
const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

testFunctionDatabases('sqlite', async () => {
  const databases = await open();
  return { databases, namespaces: [alpha, beta], close: () => databases.close() };
});

test('a new file that another process is writing to is waited for', async (t) => {
  const databases = await open();
  t.teardown(() => databases.close());
  const other = new Database(join(directory, 'databases', 'new.sqlite'));
  other.exec('begin immediate; create table t (id integer)');
  const rows = databases.query(namespaceSchema.parse('new'), 'select id from t', [], limits);
  await sleep(1_000);
  other.exec('commit');
  other.close();
  t.deepEqual(await rows, []);
});

test('statements that wait behind an endless one are run when it has been stopped', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  const endless = databases.query(alpha, ENDLESS, [], { timeoutMs: 1_500 });
  const expected = t.throwsAsync(endless, { code: 'unavailable' });
  const behind = await Promise.all(
    [alpha, beta, alpha].map((namespace) => databases.query(namespace, 'select 1 as one', [], limits)),
  );
  t.deepEqual(behind, [[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
  await expected;
});

test('a statement that waits past its own deadline is not run at all', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  await databases.execute(alpha, 'create table if not exists late (a)', [], limits);
  const endless = t.throwsAsync(databases.query(alpha, ENDLESS, [], { timeoutMs: 2_000 }));
  await t.throwsAsync(databases.execute(beta, 'create table late (a)', [], { timeoutMs: 300 }), {
    code: 'unavailable',
  });
  await endless;
  await t.throwsAsync(databases.query(beta, 'select * from late', [], limits), { message: /no such table/ });
});

test('a write that is stopped halfway leaves nothing behind', async (t) => {
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

test('a statement that crashes SQLite takes no other statement with it', async (t) => {
  const databases = await open(2);
  t.teardown(() => databases.close());
  const others = Array.from({ length: 6 }, () => databases.query(beta, 'select 1 as one', [], limits));
  await t.throwsAsync(databases.query(alpha, "select cast(x'ff41' as text) as broken", [], limits), {
    code: 'invalid_sql',
    message: /UTF-8/,
  });
  for (const rows of await Promise.all(others)) t.deepEqual(rows, [{ one: 1 }]);
  t.deepEqual(await databases.query(alpha, 'select 2 as two', [], limits), [{ two: 2 }]);
});

test('a statement that wants too much memory fails alone', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  await t.throwsAsync(databases.query(alpha, 'select hex(randomblob(300000000)) as x', [], limits), {
    code: 'invalid_sql',
    message: /256 MB/,
  });
  t.deepEqual(await databases.query(alpha, 'select 2 as two', [], limits), [{ two: 2 }]);
});

test('a query that is read, or given up as too large, holds no snapshot of the database', async (t) => {
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
  /** A killed process takes a moment to go. */
  const eventually = async () => {
    for (let tries = 0; tries < 100 && checkpoint() !== 0; tries += 1) await sleep(50);
    return checkpoint();
  };
  await databases.query(namespace, 'select * from t', [], limits);
  t.is(checkpoint(), 0);
  const tooLarge =
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 999) select hex(zeroblob(65536)), a from n, t';
  await t.throwsAsync(databases.query(namespace, tooLarge, [], limits), { message: /8 MB/ });
  t.is(await eventually(), 0);
  const [count] = await databases.query(namespace, 'select count(*) as n from t', [], limits);
  t.deepEqual([count], other.prepare('select count(*) as n from t').all([]));
});

test('namespaces that differ only in case have files of their own', async (t) => {
  const databases = await open(1);
  t.teardown(() => databases.close());
  for (const name of ['Case', 'case', 'CASE']) {
    await databases.execute(namespaceSchema.parse(name), 'create table only_mine (a)', [], limits);
  }
  const files = readdirSync(join(directory, 'databases')).map((file) => file.toLowerCase());
  t.is(new Set(files).size, files.length);
  t.true(existsSync(join(directory, 'databases', '+case.sqlite')));
});

test('an endless statement ends by itself when the engine is killed', async (t) => {
  const script = fileURLToPath(new URL('../helpers/endless-sql.js', import.meta.url));
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

test('every function and module that the bundled SQLite brings was looked at', async (t) => {
  const database = new Database(':memory:');
  const names = (list: string) =>
    database.prepare(`select distinct name from pragma_${list}`).all([]) as { name: string }[];
  const suspicious = [...names('function_list'), ...names('module_list')]
    .map(({ name }) => name)
    .filter((name) =>
      /file|dir|load|exec|shell|page|stmt|mc_|_log$|tokenizer|carray|pragma|lsmode/.test(name),
    );
  database.close();
  t.true(suspicious.includes('readfile'));
  for (const name of suspicious) {
    t.throws(() => guard(`select * from ${name}`, 'query'), { code: 'invalid_sql' }, name);
  }
});
