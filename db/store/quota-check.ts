import { type QuotaName, quotaExceeded } from '../../src/contract/quotas.js';
import type { Database, Query } from '../database.js';

/**
 * A query of one row: `over` is the name of the first quota that what follows would pass, or null;
 * `used` and `quota` are its use and limit, in the unit of the quota.
 */
export interface QuotaCheck {
  namespace: string;
  sql: string;
  bindings: readonly (string | number)[];
}

interface CheckRow {
  over: QuotaName | null;
  used: number;
  quota: number;
}

/**
 * `size` and `count` of one quota, where `used` is SQL for what there is and `more` for whether
 * this adds to it.
 */
export function countCheck(
  name: QuotaName,
  limit: number,
  used: { sql: string; bindings: readonly string[] },
  more: { sql: string; bindings: readonly string[] },
): Pick<QuotaCheck, 'sql' | 'bindings'> {
  return {
    sql: `select iif(used >= ? and ${more.sql}, '${name}', null) as over, used, ? as quota from (select (${used.sql}) as used)`,
    bindings: [limit, ...more.bindings, limit, ...used.bindings],
  };
}

/**
 * Runs the queries as one batch, or none of them and throws `quota_exceeded`. There are no
 * interactive transactions, so the batch checks by itself: its first statement fails when a quota
 * would be passed, and with it the batch.
 */
export async function batchWithinQuota(
  database: Database,
  check: QuotaCheck | null,
  queries: readonly Query<unknown>[],
  options: { idempotent?: boolean } = {},
): Promise<unknown[]> {
  if (check === null) return database.batch(queries, options);
  const { knex } = database;
  const { namespace, sql } = check;
  const bindings = [...check.bindings];
  // The argument of json() is no JSON: where it is evaluated, the statement fails.
  const guard = knex.raw(
    `select case when over is null then null else json('over the quota') end from (${sql})`,
    bindings,
  );
  try {
    const [, ...results] = await database.batch([guard, ...queries], options);
    return results;
  } catch (error) {
    const [row] = await database.run<CheckRow[]>(knex.raw(sql, bindings)).catch(() => []);
    if (row === undefined || row.over === null) throw error;
    throw quotaExceeded(row.over, { namespace, limit: row.quota, used: row.used });
  }
}
