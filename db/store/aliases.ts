import { type Alias, LIVE_ALIAS } from '../../src/contract/alias.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { AliasStore, StoredAlias } from '../../src/ports/store/aliases.js';
import type { Database } from '../database.js';
import { auditQueries, type Happens } from './audit.js';
import { batchWithRoutes, claimRoutes } from './function-routes.js';
import { both, insertIf, versionsExist } from './insert-if.js';

export interface AliasRow {
  namespace: Namespace;
  function: FunctionName;
  alias: Alias;
  version: number;
  weights: string;
  updated_at: number;
}

/** Follows `on conflict` in a statement that inserts an alias. */
export const ON_ALIAS = `
(namespace, function, alias) do update set
  version = excluded.version, weights = excluded.weights, updated_at = excluded.updated_at`;

/** Creates the repository of aliases. */
export function createAliasStore(database: Database): AliasStore {
  const { knex } = database;
  const aliases = () => knex<AliasRow>('aliases');
  /** Only the alias `live` has a share in the function's routes. */
  const claims = (namespace: Namespace, name: FunctionName, alias: Alias) =>
    alias === LIVE_ALIAS ? claimRoutes(knex, { namespace, name }) : [];
  return {
    async list(namespace) {
      const rows = await database.run<AliasRow[]>(
        aliases().where({ namespace }).orderBy(['function', 'alias']),
      );
      return rows.map(toAlias);
    },
    async put(alias, audit) {
      const fn = { namespace: alias.namespace, name: alias.function };
      const versions = versionsOf(alias);
      const exist = versionsExist(fn.namespace, fn.name, versions);
      const happens = both(exist, notMoved(fn.namespace, fn.name, alias.alias));
      const results = await batchWithRoutes(database, fn, { versions }, () =>
        database.batch(
          [
            insertIf(knex, 'aliases', toAliasRow(alias), happens, ON_ALIAS),
            ...claims(fn.namespace, fn.name, alias.alias),
            ...auditQueries(knex, audit, happens),
            knex.raw(`select ${happens.sql} as held`, [...happens.bindings]),
          ],
          { idempotent: true },
        ),
      );
      const [row] = results.at(-1) as { held: number }[];
      return row?.held === 1;
    },
    async remove(namespace, fn, alias, audit) {
      const isThere = {
        sql: 'exists (select 1 from aliases where namespace = ? and function = ? and alias = ?)',
        bindings: [namespace, fn, alias],
      };
      const free = notMoved(namespace, fn, alias);
      const results = await database.batch([
        ...auditQueries(knex, audit, both(isThere, free)),
        aliases()
          .where({ namespace, function: fn, alias })
          .whereRaw(free.sql, [...free.bindings])
          .delete(),
        ...claims(namespace, fn, alias),
      ]);
      return results[1] === 1;
    },
  };
}

/** Returns the condition that no rollout moves the alias, as one does with `live` while it runs. */
function notMoved(namespace: Namespace, fn: FunctionName, alias: Alias): Happens {
  return {
    sql: `(? <> '${LIVE_ALIAS}' or not exists (
      select 1 from rollouts where namespace = ? and function = ? and state = 'running'))`,
    bindings: [alias, namespace, fn],
  };
}

/** Returns the condition that the alias `live` is the given one, or does not exist. */
export function liveIs(namespace: Namespace, fn: FunctionName, live: StoredAlias | null): Happens {
  const found = `select 1 from aliases where namespace = ? and function = ? and alias = '${LIVE_ALIAS}'`;
  if (live === null) return { sql: `not exists (${found})`, bindings: [namespace, fn] };
  return {
    sql: `exists (${found} and version = ? and weights = ?)`,
    bindings: [namespace, fn, live.version, JSON.stringify(live.weights)],
  };
}

/** Returns every version that the alias may select. */
function versionsOf({ version, weights }: StoredAlias): number[] {
  return [version, ...Object.keys(weights).map(Number)];
}

export function toAliasRow({
  namespace,
  function: fn,
  alias,
  version,
  weights,
  updatedAt,
}: StoredAlias): AliasRow {
  return { namespace, function: fn, alias, version, weights: JSON.stringify(weights), updated_at: updatedAt };
}

function toAlias(row: AliasRow): StoredAlias {
  const { namespace, alias, version, updated_at: updatedAt } = row;
  const weights = JSON.parse(row.weights) as Record<string, number>;
  return { namespace, function: row.function, alias, version, weights, updatedAt };
}
