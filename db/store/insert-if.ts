import type { Knex } from 'knex';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { Query } from '../database.js';
import type { Happens } from './audit.js';

/** Returns the insert of a row that takes place only under a condition. */
export function insertIf(
  knex: Knex,
  table: string,
  row: object,
  { sql, bindings }: Happens,
  onConflict: string,
): Query<unknown> {
  const columns = Object.keys(row);
  return knex.raw(
    `insert into ${table} (${columns.join(', ')}) select ${columns.map(() => '?').join(', ')} where ${sql}
     on conflict ${onConflict}`,
    [...Object.values(row), ...bindings],
  );
}

export function both(one: Happens, other: Happens): Happens {
  return { sql: `${one.sql} and ${other.sql}`, bindings: [...one.bindings, ...other.bindings] };
}

/** Returns the condition that a function exists, which may have been deleted since it was found. */
export function functionExists(namespace: Namespace, name: FunctionName): Happens {
  return {
    sql: 'exists (select 1 from functions where namespace = ? and name = ? and deleted_at is null)',
    bindings: [namespace, name],
  };
}

/** Returns the condition that a function has all these versions. */
export function versionsExist(
  namespace: Namespace,
  name: FunctionName,
  versions: readonly number[],
): Happens {
  return {
    sql: `not exists (select 1 from json_each(?) wanted where wanted.value not in (
      select version from function_versions where namespace = ? and name = ?))`,
    bindings: [JSON.stringify(versions), namespace, name],
  };
}
