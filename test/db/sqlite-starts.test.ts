import { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SqlitePool } from '../../db/function-databases/drivers/sqlite-pool.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { ENDLESS_QUERY } from '../helpers/endless-query.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const namespace = namespaceSchema.parse('starts');
const limits = { timeoutMs: 30_000 };
const { EAGAIN, EMFILE, ENOMEM } = constants.errno;

for (const [code, errno] of Object.entries({ EAGAIN, EMFILE, ENOMEM })) {
  test.serial(
    `a statement is refused when no process can be started (${code}), and a later one runs`,
    async (t) => {
      const allow = refuseProcesses(errno);
      t.teardown(allow);
      const databases = await open(t, `first-${code}`);
      await t.throwsAsync(query(databases), { code: 'unavailable', message: new RegExp(`started.*${code}`) });
      allow();
      t.deepEqual(await query(databases), [{ one: 1 }]);
    },
  );

  test.serial(
    `statements wait for a running process when no further one can be started (${code})`,
    async (t) => {
      const pool = new SqlitePool({ children: 4, perFile: 4, idleMs: 30_000 });
      t.teardown(() => pool.close());
      const file = join(directory, `further-${code}`);
      const run = (sql: string, signal?: AbortSignal) =>
        pool.run(
          { file, operations: [{ kind: 'query', sql, args: [], verb: 'select', parameters: [] }] },
          30_000,
          signal,
        );
      const allow = refuseProcesses(errno);
      t.teardown(allow);
      const replies = await Promise.all(Array.from({ length: 4 }, () => run('select 1')));
      t.deepEqual(
        replies.map(({ kind }) => kind),
        Array(4).fill('done'),
      );
      // An aborted statement ends its process, and no other one can run those that wait for it.
      const end = new AbortController();
      const endless = run(ENDLESS_QUERY, end.signal);
      const waiting = run('select 1');
      end.abort();
      await t.throwsAsync(endless, { message: 'aborted' });
      await t.throwsAsync(waiting, { message: 'unstarted' });
      allow();
      t.is((await run('select 1')).kind, 'done');
    },
  );
}

test.serial('a process that ends while it starts is not blamed on the statement', async (t) => {
  const allow = replaceSpawn((options) => {
    options.args = [process.execPath, '-e', 'process.abort()'];
  });
  t.teardown(allow);
  const databases = await open(t, 'ends');
  const refused = { code: 'unavailable', message: /started.*the process ended while it started/ } as const;
  await t.throwsAsync(query(databases), refused);
  allow();
  t.deepEqual(await query(databases), [{ one: 1 }]);
});

async function open(t: ExecutionContext, name: string) {
  const databases = await openParsedDatabases({ driver: 'sqlite', directory: join(directory, name) });
  t.teardown(() => databases.close());
  return databases;
}

type Databases = Awaited<ReturnType<typeof open>>;

function query(databases: Databases) {
  return databases.query(namespace, 'select 1 as one', [], limits);
}

/**
 * Has the system refuse new processes until the returned function is called. Only the system call
 * is replaced: Node handles its error.
 */
function refuseProcesses(errno: number): () => void {
  return replaceSpawn((_options, handle) => {
    handle.spawn = () => -errno;
  });
}

interface SpawnOptions {
  args: string[];
}
interface Handle {
  spawn(options: SpawnOptions): number;
}

function replaceSpawn(change: (options: SpawnOptions, handle: Handle) => void): () => void {
  const prototype = ChildProcess.prototype as unknown as {
    spawn(this: { _handle: Handle }, options: SpawnOptions): unknown;
  };
  const { spawn } = prototype;
  prototype.spawn = function changed(options) {
    change(options, this._handle);
    return spawn.call(this, options);
  };
  return () => {
    prototype.spawn = spawn;
  };
}
