import { LIVE_ALIAS } from '../../src/contract/alias.js';
import type { FunctionStore } from '../../src/ports/store/functions.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';
import { releaseRoutes } from './function-routes.js';
import { functionExists } from './insert-if.js';
import { deleteTriggerSettings } from './trigger-row.js';
import { RECORD_COLUMNS, type RecordRow, toRecord, toVersion, type VersionRow } from './version-row.js';
import { createVersionStore } from './versions.js';

const NEWEST_VERSIONS = `
from functions f join function_versions v
  on v.namespace = f.namespace and v.name = f.name and v.version = f.last_version
where f.namespace = ? order by f.name`;

/**
 * A deploy raises the sum of versions, which keeps those of removed functions, and a removal the
 * number of these.
 */
const STAMP = `
select
  (select count(*) || ' ' || coalesce(sum(last_version), 0) || ' ' || count(deleted_at)
    from functions where namespace = ?) || ' ' ||
  (select count(*) || ' ' || coalesce(max(updated_at), 0) || ' ' || coalesce(sum(version), 0)
    from aliases where namespace = ? and alias = '${LIVE_ALIAS}') as stamp`;

/** Creates the repository of functions and their versions. */
export function createFunctionStore(database: Database): FunctionStore {
  const { knex } = database;

  return {
    ...createVersionStore(database),

    async list(namespace) {
      const rows = await database.run<RecordRow[]>(
        knex.raw(`select ${RECORD_COLUMNS} ${NEWEST_VERSIONS}`, [namespace]),
      );
      return rows.map(toRecord);
    },

    async listWithoutEnv(namespace) {
      const rows = await database.run<VersionRow[]>(
        knex.raw(
          `select ${RECORD_COLUMNS}, v.probe_pending, json_set(v.metadata, '$.env', json('{}')) as metadata ${NEWEST_VERSIONS}`,
          [namespace],
        ),
      );
      return rows.map(toVersion);
    },

    async stamp(namespace) {
      const rows = await database.run<{ stamp: string }[]>(knex.raw(STAMP, [namespace, namespace]));
      return rows[0]?.stamp ?? '';
    },

    async wasDeployed(namespace, name) {
      const rows = await database.run<unknown[]>(knex('functions').where({ namespace, name }).select('name'));
      return rows.length > 0;
    },

    async remove(namespace, name, audit) {
      const results = await database.batch([
        ...auditQueries(knex, audit, functionExists(namespace, name)),
        knex('function_versions').where({ namespace, name }).distinct('wasm_cid').pluck('wasm_cid'),
        knex('function_versions').where({ namespace, name }).delete(),
        deleteTriggerSettings(knex, 'namespace = ? and function = ?', [namespace, name]),
        knex('triggers').where({ namespace, function: name }).delete(),
        knex('aliases').where({ namespace, function: name }).delete(),
        knex('rollouts').where({ namespace, function: name }).delete(),
        releaseRoutes(knex, namespace, name),
        // Last, because its result tells whether the function existed.
        knex('functions')
          .where({ namespace, name })
          .whereNull('deleted_at')
          .update({ deleted_at: Date.now() }),
      ]);
      return results.at(-1) === 1 ? (results[1] as string[]) : null;
    },

    async count() {
      const [row] = await database.run<{ count: number }[]>(
        knex.raw('select count(*) as count from functions where deleted_at is null'),
      );
      return row?.count ?? 0;
    },
  };
}
