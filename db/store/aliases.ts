import type { Alias } from '../../src/contract/alias.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { AliasStore, StoredAlias } from '../../src/ports/store/aliases.js';
import type { Database } from '../database.js';

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
    async put(alias) {
      await database.run(
        aliases()
          .insert(toAliasRow(alias))
          .onConflict(['namespace', 'function', 'alias'])
          .merge()
          .options({ idempotent: true }),
      );
    },
    async remove(namespace, fn, alias) {
      return (await database.run(aliases().where({ namespace, function: fn, alias }).delete())) === 1;
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
