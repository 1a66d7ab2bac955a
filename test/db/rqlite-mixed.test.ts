import test from 'ava';
import { type Run, runMixed } from '../../db/function-databases/drivers/rqlite-mixed.js';

const STATEMENTS = [
  { sql: 'insert into t values (1)', bindings: [] },
  { sql: 'select 1', bindings: [] },
];

/** A server whose guard fails with these errors, one per transaction that is not rolled back. */
function serverWhoseGuardFails(...errors: readonly string[]) {
  const seen = { committed: 0 };
  const run: Run = async (_path, _statements, { idempotent }) => {
    const results = [{ rows_affected: 1 }, { columns: ['1'], values: [[1]] }];
    if (idempotent) return [{ columns: ['schema_version'], values: [[7]] }, ...results];
    const error = errors[seen.committed];
    seen.committed += 1;
    return error === undefined ? [{ columns: ['1'], values: [[1]] }, ...results] : [{ error }];
  };
  return { run, seen };
}

test('a transaction that reads and writes is repeated when the schema has changed', async (t) => {
  const { run, seen } = serverWhoseGuardFails('malformed JSON', 'malformed JSON');
  t.is((await runMixed(run, STATEMENTS, async () => {})).length, 2);
  t.is(seen.committed, 3);
});

test('a transaction whose guard a node fails is not repeated, since other nodes may have executed it', async (t) => {
  for (const [error, code] of [
    ['database or disk is full', 'SQLITE_FULL'],
    ['disk I/O error', 'SQLITE_IOERR'],
  ] as const) {
    const { run, seen } = serverWhoseGuardFails(error);
    t.like(await t.throwsAsync(runMixed(run, STATEMENTS, async () => {})), { code, inDoubt: true });
    t.is(seen.committed, 1);
  }
});
