import { decodeTable, type RqliteResult } from '../../drivers/rqlite/decode.js';
import type { RqliteStatement } from '../../drivers/rqlite/encode.js';
import { RqliteError, readingWrites } from '../../drivers/rqlite/errors.js';

/** Sends statements to an endpoint of the server; several are one transaction. */
export type Run = (
  path: string,
  statements: readonly RqliteStatement[],
  options: { idempotent: boolean },
) => Promise<RqliteResult[]>;

const ENDPOINT = '/db/request';
/** How often a transaction is tried while others change the schema. */
const MAX_TRIES = 5;

const SCHEMA = { sql: 'select schema_version from pragma_schema_version', bindings: [] };
/**
 * Fails when it is executed, because the argument of json() is invalid, and so ends the
 * transaction.
 */
const ROLLBACK = { sql: "select json('roll back')", bindings: [] };
const IF_SCHEMA =
  "select case when schema_version = ? then 1 else json('changed') end from pragma_schema_version";
/** The error of the guard if the schema has changed. */
const CHANGED = /malformed JSON/;

/**
 * Runs a transaction that reads and writes: all statements or none. The only endpoint that returns
 * both rows and counts goes on after a statement that it cannot compile, such as one that names a
 * missing table, and commits the others. The statements are therefore first run in a transaction
 * that is rolled back, and then in one that fails if the schema has changed since: with the same
 * schema, the same statements compile.
 *
 * @param check Rejects if a statement failed, or if the results would be refused.
 */
export async function runMixed(
  run: Run,
  statements: readonly RqliteStatement[],
  check: (results: readonly RqliteResult[]) => Promise<unknown>,
): Promise<RqliteResult[]> {
  for (let tries = 1; ; tries += 1) {
    const [found, ...tried] = await run(ENDPOINT, [SCHEMA, ...statements, ROLLBACK], { idempotent: true });
    await check(tried.slice(0, statements.length));
    const version = decodeTable(found ?? {}).values[0]?.[0];
    const unchanged = { sql: IF_SCHEMA, bindings: [version] };
    const [guard, ...results] = await run(ENDPOINT, [unchanged, ...statements], { idempotent: false });
    if (guard?.error === undefined) return results;
    // The node has failed, not the guard: other nodes may have executed the transaction.
    if (!CHANGED.test(guard.error)) readingWrites(() => decodeTable(guard));
    if (tries === MAX_TRIES)
      throw new RqliteError('SQLITE_BUSY', 'the schema changed while the transaction was tried');
  }
}
