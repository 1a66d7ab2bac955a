import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import Database from 'libsql';
import { namespaceSchema } from '../../src/contract/ids.js';
import { isAppError } from '../../src/errors.js';
import type { SqlOperation } from '../../src/ports/function-databases.js';
import { computing, ENDLESS_QUERY, sqliteChildren } from '../helpers/endless-query.js';
import { openParsedDatabases, type ParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const limits = { timeoutMs: 60_000 };
/** Takes a while, so that the other connection reads before the commit. */
const SLOW =
  'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select max(i) from n';
const write: SqlOperation = { kind: 'exec', sql: 'insert into t values (1)', args: [] };
const slow: SqlOperation = { kind: 'query', sql: SLOW, args: [] };
/** Makes a reply that takes a while to send, after the commit. */
const large: SqlOperation = { kind: 'query', sql: 'select hex(zeroblob(4000000)) as x', args: [] };

interface Committed {
  databases: ParsedDatabases;
  /** How the transaction ends if `stop` is called in the turn in which its commit is seen. */
  outcome(stop: (end: AbortController) => void): Promise<string>;
}

async function committed(t: { teardown(end: () => Promise<void>): void }, name: string): Promise<Committed> {
  const namespace = namespaceSchema.parse(name);
  const databases = await openParsedDatabases({ driver: 'sqlite', directory, maxChildren: 1 });
  t.teardown(() => databases.close());
  await databases.execute(namespace, 'create table t (a)', [], limits);
  const other = new Database(join(directory, `${name}.sqlite`));
  t.teardown(async () => void other.close());
  const count = other.prepare('select count(*) as n from t');
  return {
    databases,
    async outcome(stop) {
      const end = new AbortController();
      const options = { ...limits, signal: end.signal };
      const result = databases.transaction(namespace, [slow, write, large], options).then(
        () => 'done',
        (error: unknown) => (isAppError(error) ? error.code : String(error)),
      );
      await sleep(50);
      // Without a pause: this process has read nothing that the child has sent since.
      const until = Date.now() + 30_000;
      while ((count.all([]) as { n: number }[])[0]?.n === 0 && Date.now() < until);
      stop(end);
      return result;
    },
  };
}

test.serial('a transaction that is stopped after its commit is never reported as not executed', async (t) => {
  const { outcome } = await committed(t, 'stopped');
  const code = await outcome((end) => end.abort());
  t.true(['done', 'ambiguous_write'].includes(code), code);
});

test.serial(
  'a transaction whose process is killed after its commit is never reported as not executed',
  async (t) => {
    const { outcome } = await committed(t, 'killed');
    const code = await outcome(() => {
      for (const pid of sqliteChildren()) process.kill(pid, 'SIGKILL');
    });
    t.true(['done', 'ambiguous_write'].includes(code), code);
  },
);

test.serial('a transaction that is stopped before its commit is rolled back and unavailable', async (t) => {
  const namespace = namespaceSchema.parse('before');
  const { databases } = await committed(t, 'before');
  const end = new AbortController();
  const options = { ...limits, signal: end.signal };
  const endless = { ...slow, sql: ENDLESS_QUERY };
  const stopped = databases.transaction(namespace, [write, endless], options);
  const refused = t.throwsAsync(stopped, { code: 'unavailable', message: /its invocation has ended/ });
  await computing(1);
  end.abort();
  await refused;
  t.deepEqual(await databases.query(namespace, 'select a from t', [], limits), []);
});
