import type { Knex } from 'knex';
import type { BatchOptions } from '../../database.js';
import { type KnexQuery, RqliteClient, toStatement } from './client.js';
import { RqliteError } from './errors.js';
import { isRepeatable } from './statement-kind.js';

/**
 * Sends the queries in one request and one transaction. Resolves with one result per query, as knex
 * would return it.
 */
export async function batch(
  knex: Knex,
  queries: readonly { toSQL(): object }[],
  options: BatchOptions = {},
): Promise<unknown[]> {
  const client: unknown = knex.client;
  if (!(client instanceof RqliteClient)) {
    throw new RqliteError('RQLITE_REFUSED', 'batch() requires a knex instance with the client RqliteClient');
  }
  if (queries.length === 0) return [];
  const compiled = queries.map((query) => {
    const { bindings = [], ...rest } = query.toSQL() as KnexQuery;
    return { ...rest, bindings: client.prepBindings(bindings) as unknown[] };
  });
  const statements = compiled.map(toStatement);
  const results = await client.send(statements, {
    idempotent: options.idempotent ?? statements.every(isRepeatable),
    transaction: true,
  });
  return results.map(({ rows, lastId, changes }, at) =>
    client.processResponse({ ...compiled[at], response: rows, context: { lastID: lastId, changes } }, null),
  );
}
