import type { Alias } from '../../src/contract/alias.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { AliasStore, StoredAlias } from '../../src/ports/store/aliases.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';

export interface AliasRow {
  namespace: Namespace;
  function: FunctionName;
  alias: Alias;
  version: number;
  weights: string;
  updated_at: number;
}

/** Creates the repository of aliases. */
export function createAliasStore(database: Database): AliasStore {
  const aliases = () => database.knex<AliasRow>('aliases');
  return {
    async list(namespace) {
      const rows = await database.run<AliasRow[]>(
        aliases().where({ namespace }).orderBy(['function', 'alias']),
      );
      return rows.map(toAlias);
    },
    async put(alias, audit) {
      await database.batch(
        [
          aliases().insert(toAliasRow(alias)).onConflict(['namespace', 'function', 'alias']).merge(),
          ...auditQueries(database.knex, audit),
        ],
        { idempotent: true },
      );
    },
    async remove(namespace, fn, alias, audit) {
      const results = await database.batch([
        ...auditQueries(database.knex, audit, {
          sql: 'exists (select 1 from aliases where namespace = ? and function = ? and alias = ?)',
          bindings: [namespace, fn, alias],
        }),
        aliases().where({ namespace, function: fn, alias }).delete(),
      ]);
      return results.at(-1) === 1;
    },
  };
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
