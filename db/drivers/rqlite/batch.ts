import type { Knex } from 'knex';
import { isIdempotent, type KnexQuery, RqliteClient, toStatement } from './client.js';
import { RqliteError } from './errors.js';

export interface RqliteBatchOptions {
  /**
   * Doing all of it twice is the same as doing it once. Known by itself only of reads and of
   * inserts that ignore.
   */
  idempotent?: boolean;
}

/**
 * The queries in one request and one transaction: all are done, in order, or none. Each is answered
 * as knex would answer it alone.
 */
export async function batch(
  knex: Knex,
  queries: readonly { toSQL(): object }[],
  options: RqliteBatchOptions = {},
): Promise<unknown[]> {
  const client: unknown = knex.client;
  if (!(client instanceof RqliteClient)) {
    throw new RqliteError('RQLITE_REFUSED', 'batch() is for a knex whose client is RqliteClient');
  }
  if (queries.length === 0) return [];
  const compiled = queries.map((query) => {
    const { bindings = [], ...rest } = query.toSQL() as KnexQuery;
    return { ...rest, bindings: client.prepBindings(bindings) as unknown[] };
  });
  const results = await client.send(compiled.map(toStatement), {
    idempotent: options.idempotent ?? compiled.every(isIdempotent),
    transaction: true,
  });
  return results.map(({ rows, lastId, changes }, at) =>
    client.processResponse({ ...compiled[at], response: rows, context: { lastID: lastId, changes } }, null),
  );
}
