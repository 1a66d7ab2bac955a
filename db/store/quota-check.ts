import { type QuotaName, quotaExceeded } from '../../src/contract/quotas.js';
import { type AppError, isAppError } from '../../src/errors.js';
import type { Database, Query } from '../database.js';

/**
 * A query of one row: `over` is the name of the first quota that the following change would exceed,
 * or null; `used` and `quota` are its use and limit, in the unit of the quota.
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
 * Returns the check of a quota on a number of rows.
 *
 * @param used SQL for the current number.
 * @param more SQL for whether the change adds a row.
 */
export function countCheck(
  name: QuotaName,
  limit: number,
  used: { sql: string; bindings: readonly (string | number)[] },
  more: { sql: string; bindings: readonly string[] },
): Pick<QuotaCheck, 'sql' | 'bindings'> {
  return {
    sql: `select iif(used >= ? and ${more.sql}, '${name}', null) as over, used, ? as quota from (select (${used.sql}) as used)`,
    bindings: [limit, ...more.bindings, limit, ...used.bindings],
  };
}

/**
 * Runs the queries as one batch, or throws `quota_exceeded` without running any. Without
 * interactive transactions, the batch checks itself: its first statement, and thus the batch, fails
 * when a quota would be exceeded.
 */
export async function batchWithinQuota(
  database: Database,
  check: QuotaCheck | null,
  queries: readonly Query<unknown>[],
  options: { idempotent?: boolean } = {},
): Promise<unknown[]> {
  if (check === null) return database.batch(queries, options);
  const { knex } = database;
  const { sql, bindings } = check;
  // The argument of json() is invalid JSON, so the statement fails if it is evaluated.
  const guard = knex.raw(
    `select case when over is null then null else json('over the quota') end from (${sql})`,
    [...bindings],
  );
  try {
    const [, ...results] = await database.batch([guard, ...queries], options);
    return results;
  } catch (error) {
    // After a write whose reply was lost, the use may be over the limit because it took place.
    if (!isAppError(error, 'internal')) throw error;
    const refusal = await refusalOf(database, check).catch(() => null);
    throw refusal ?? error;
  }
}

/** Throws `quota_exceeded` if the change would exceed a quota now. */
export async function assertWithinQuota(database: Database, check: QuotaCheck): Promise<void> {
  const refusal = await refusalOf(database, check);
  if (refusal !== null) throw refusal;
}

async function refusalOf(
  database: Database,
  { namespace, sql, bindings }: QuotaCheck,
): Promise<AppError | null> {
  const [row] = await database.run<CheckRow[]>(database.knex.raw(sql, [...bindings]));
  if (row === undefined || row.over === null) return null;
  return quotaExceeded(row.over, { namespace, limit: row.quota, used: row.used });
}
