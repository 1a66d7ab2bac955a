import type { FunctionStore } from '../../src/ports/store/functions.js';
import type { Database } from '../database.js';
import { addVersion } from './add-version.js';
import { deployCheck } from './deploy-check.js';
import { assertWithinQuota } from './quota-check.js';
import {
  newestVersion,
  RECORD_COLUMNS,
  type RecordRow,
  toRecord,
  toVersion,
  type VersionRow,
} from './version-row.js';

/** The number of recent runs that are searched for the most recently run versions. */
const RECENT_RUNS = 1000;

const RAN_LAST = `
select v.*, max(ran.rowid) as last from (
  select rowid, namespace, function, version from attempts order by rowid desc limit ${RECENT_RUNS}) ran
join function_versions v on v.namespace = ran.namespace and v.name = ran.function and v.version = ran.version
group by v.namespace, v.name, v.version order by last desc limit ?`;

/** The part of the repository of functions that concerns single versions. */
export type VersionStore = Pick<
  FunctionStore,
  | 'assertWithinQuotas'
  | 'addVersion'
  | 'latest'
  | 'version'
  | 'versions'
  | 'recent'
  | 'moduleBytes'
  | 'probePending'
  | 'recordWarmStart'
>;

export function createVersionStore(database: Database): VersionStore {
  const { knex } = database;
  const versions = () => knex<VersionRow>('function_versions');

  return {
    assertWithinQuotas: (version) => assertWithinQuota(database, deployCheck(version)),

    addVersion: (version, audit) => addVersion(database, version, audit),

    async latest(namespace, name) {
      const [row] = await database.run<VersionRow[]>(newestVersion(knex, namespace, name));
      return row === undefined ? null : toVersion(row);
    },

    async version(namespace, name, version) {
      const [row] = await database.run<VersionRow[]>(versions().where({ namespace, name, version }));
      return row === undefined ? null : toVersion(row);
    },

    async versions(namespace, name) {
      const rows = await database.run<RecordRow[]>(
        knex.raw(
          `select ${RECORD_COLUMNS} from function_versions v where namespace = ? and name = ? order by version desc`,
          [namespace, name],
        ),
      );
      return rows.map(toRecord);
    },

    async recent(limit) {
      const ran = await database.run<VersionRow[]>(knex.raw(RAN_LAST, [limit]));
      const deployed = await database.run<VersionRow[]>(
        versions().orderBy('updated_at', 'desc').limit(limit),
      );
      const recent = new Map<string, VersionRow>();
      for (const row of [...ran, ...deployed]) {
        const key = `${row.namespace}/${row.name}@${row.version}`;
        if (recent.size < limit && !recent.has(key)) recent.set(key, row);
      }
      return [...recent.values()].map(toVersion);
    },

    async moduleBytes(namespace, cid) {
      // A rollback stores no size; the version that it repeats has it.
      const sql =
        'select max(wasm_bytes) as bytes from function_versions where namespace = ? and wasm_cid = ?';
      const [row] = await database.run<{ bytes: number | null }[]>(knex.raw(sql, [namespace, cid]));
      return row?.bytes || null;
    },

    async probePending(limit, skipped) {
      const rows = await database.run<VersionRow[]>(
        versions()
          .where({ probe_pending: 1 })
          .orderBy(['updated_at', 'namespace', 'name', 'version'])
          .limit(limit)
          .offset(skipped),
      );
      return rows.map(toVersion);
    },

    async recordWarmStart({ namespace, name, version }, warmStart, warmStartReason) {
      await database.batch([
        versions()
          .where({ namespace, name, version })
          .update({ warm_start: warmStart, warm_start_reason: warmStartReason, probe_pending: 0 }),
      ]);
    },
  };
}
