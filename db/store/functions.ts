import { randomUUID } from 'node:crypto';
import type {
  FunctionMetadata,
  FunctionRecord,
  FunctionVersion,
  WarmStart,
} from '../../src/contract/function.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { NO_ORIGIN } from '../../src/contract/version-origin.js';
import { AppError } from '../../src/errors.js';
import type { FunctionStore, NewVersion } from '../../src/ports/store/functions.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';
import { assertUnclaimed, claimRoutes, releaseRoutes } from './function-routes.js';
import { batchWithinQuota, type QuotaCheck } from './quota-check.js';
import { STORAGE_BYTES } from './quotas.js';
import { cleanText } from './text.js';
import { rfc3339 } from './time.js';
import { specKey } from './triggers.js';

interface VersionRow {
  id: string;
  name: FunctionName;
  namespace: Namespace;
  version: number;
  wasm_cid: string;
  memory_limit_mb: number;
  timeout_seconds: number;
  is_public: number;
  retry_count: number;
  retry_delay_seconds: number;
  warm_start: WarmStart;
  warm_start_reason: string | null;
  probe_pending: number;
  created_at: number;
  updated_at: number;
  created_by: string;
  created_by_name: string | null;
  metadata: string;
  message: string | null;
  git_commit: string | null;
}

type RecordRow = Omit<VersionRow, 'metadata' | 'probe_pending'>;

/** The columns of the public record. Lists have no metadata, of which many versions have much. */
const RECORD_COLUMNS = [
  ...['id', 'name', 'namespace', 'version', 'wasm_cid', 'memory_limit_mb', 'timeout_seconds', 'is_public'],
  ...['retry_count', 'retry_delay_seconds', 'warm_start', 'warm_start_reason', 'created_at', 'updated_at'],
  ...['created_by', 'created_by_name', 'message', 'git_commit'],
]
  .map((column) => `v.${column}`)
  .join(', ');

const NEWEST_VERSIONS = `
from functions f join function_versions v
  on v.namespace = f.namespace and v.name = f.name and v.version = f.last_version
where f.namespace = ? order by f.name`;

/**
 * Assigns the next version number of a function. A deleted function continues its numbers, but gets
 * a new id and creation time.
 */
const NEXT_VERSION = `
insert into functions (namespace, name, id, created_at, last_version) values (?, ?, ?, ?, 1)
on conflict (namespace, name) do update set
  last_version = last_version + 1,
  id = iif(deleted_at is null, id, excluded.id),
  created_at = iif(deleted_at is null, created_at, excluded.created_at),
  deleted_at = null`;

const INSERT_VERSION = `
insert into function_versions (
  namespace, name, version, id, created_at, wasm_cid, memory_limit_mb, timeout_seconds, is_public,
  retry_count, retry_delay_seconds, warm_start, warm_start_reason, probe_pending, updated_at, created_by, metadata, wasm_bytes,
  message, git_commit, created_by_name)
select namespace, name, last_version, id, created_at, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
from functions where namespace = ? and name = ?`;

/**
 * A trigger that is listed again keeps its id, so that its schedule continues without a missed
 * tick.
 */
const DROP_UNLISTED_TRIGGERS = `
delete from triggers
where namespace = ? and function = ? and source = 'manifest' and spec not in (select value from json_each(?))`;

const ADD_LISTED_TRIGGERS = `
insert into triggers (
  id, namespace, function, spec, topic, cron, timezone, overlap, catch_up, source, enabled, created_at)
select value->>0, ?, ?, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, 'manifest', 1, ?
from json_each(?) where true
on conflict (namespace, function, spec) do update set
  overlap = excluded.overlap, catch_up = excluded.catch_up`;

/** The number of the new version is known only within the batch. */
const NUMBER_AUDITED_VERSION = `
update audit_events set target = target || '@' ||
  (select last_version from functions where namespace = ? and name = ?)
where namespace = ? and id = ?`;

/** The number of recent runs that are searched for the most recently run versions. */
const RECENT_RUNS = 1000;

const RAN_LAST = `
select v.*, max(ran.rowid) as last from (
  select rowid, namespace, function, version from attempts order by rowid desc limit ${RECENT_RUNS}) ran
join function_versions v on v.namespace = ran.namespace and v.name = ran.function and v.version = ran.version
group by v.namespace, v.name, v.version order by last desc limit ?`;

/**
 * Checks the quotas of a deploy. Each applies only if the deploy adds to its use, so that a lowered
 * limit does not block a deploy that adds nothing.
 */
const DEPLOY_CHECK = `
select over, case over when 'functions' then functions when 'versions_per_function' then versions
    when 'triggers' then triggers else bytes / 1048576.0 end as used,
  case over when 'functions' then maxFunctions when 'versions_per_function' then maxVersions
    when 'triggers' then maxTriggers else maxBytes / 1048576.0 end as quota
from (
  select *, case
    when functions >= maxFunctions and not live then 'functions'
    when versions >= maxVersions then 'versions_per_function'
    when triggersAfter > maxTriggers and triggersAfter > triggers then 'triggers'
    when bytes > maxBytes - newBytes and not stored then 'storage_mb'
    end as over
  from (
    select ? as maxFunctions, ? as maxVersions, ? as maxTriggers, ? as maxBytes, ? as newBytes,
      (select count(*) from functions where namespace = ? and deleted_at is null) as functions,
      exists (select 1 from functions where namespace = ? and name = ? and deleted_at is null) as live,
      (select count(*) from function_versions where namespace = ? and name = ?) as versions,
      (select count(*) from triggers where namespace = ?) as triggers,
      (select count(*) from triggers where namespace = ? and not (function = ? and (
        source = 'manifest' or spec in (select value from json_each(?))))) +
      (select count(distinct value) from json_each(?)) as triggersAfter,
      ${STORAGE_BYTES} as bytes,
      exists (select 1 from function_versions where namespace = ? and wasm_cid = ?) as stored))`;

function deployCheck({ namespace, settings, ...version }: NewVersion, listed: string): QuotaCheck | null {
  const { limits, wasmCid, wasmBytes = 0 } = version;
  if (limits === undefined) return null;
  const { name } = settings;
  return {
    namespace,
    sql: DEPLOY_CHECK,
    bindings: [
      ...[limits.functions, limits.versions_per_function, limits.triggers, limits.storage_mb * MB, wasmBytes],
      ...[namespace, namespace, name, namespace, name, namespace, namespace, name, listed, listed],
      ...[namespace, namespace, namespace, wasmCid],
    ],
  };
}

/** Creates the repository of functions and their versions. */
export function createFunctionStore(database: Database): FunctionStore {
  const { knex } = database;
  const versions = () => knex<VersionRow>('function_versions');
  const newestOf = (namespace: Namespace, name: FunctionName) =>
    versions().where({ namespace, name }).orderBy('version', 'desc').limit(1);

  return {
    async addVersion(version, audit) {
      const { namespace, settings, wasmCid, wasmBytes = 0, createdBy, createdByName = null } = version;
      const { warmStart, warmStartReason, probePending, origin = NO_ORIGIN } = version;
      const { name, metadata } = settings;
      const now = Date.now();
      const triggers = metadata.triggers.map((spec) => [
        uuidv7(),
        ...('topic' in spec
          ? [specKey(spec), cleanText(spec.topic), null, null, null, null]
          : [
              specKey(spec),
              null,
              cleanText(spec.cron),
              spec.timezone ?? null,
              spec.overlap ?? null,
              spec.catch_up ?? null,
            ]),
      ]);
      const listed = JSON.stringify(triggers.map(([, key]) => key));
      const routes = metadata.http?.routes ?? [];
      const results = await batchWithinQuota(database, deployCheck(version, listed), [
        ...claimRoutes(knex, { namespace, name }, routes),
        knex.raw(NEXT_VERSION, [namespace, name, randomUUID(), now]),
        knex.raw(INSERT_VERSION, [
          wasmCid,
          settings.memory_limit_mb,
          settings.timeout_seconds,
          settings.is_public ? 1 : 0,
          settings.retry_count,
          settings.retry_delay_seconds,
          warmStart,
          warmStartReason ?? null,
          probePending === true ? 1 : 0,
          now,
          createdBy,
          JSON.stringify(metadata),
          wasmBytes,
          origin.message === null ? null : cleanText(origin.message),
          origin.git_commit,
          createdByName === null ? null : cleanText(createdByName),
          namespace,
          name,
        ]),
        knex.raw(DROP_UNLISTED_TRIGGERS, [namespace, name, listed]),
        knex.raw(ADD_LISTED_TRIGGERS, [namespace, name, now, JSON.stringify(triggers)]),
        ...auditQueries(knex, audit),
        ...(audit === undefined
          ? []
          : [knex.raw(NUMBER_AUDITED_VERSION, [namespace, name, namespace, audit.id])]),
        newestOf(namespace, name),
      ]).catch(async (error) => {
        await assertUnclaimed(database, { namespace, name }, routes);
        throw error;
      });
      const [row] = results.at(-1) as VersionRow[];
      if (row === undefined)
        throw new AppError('internal', `The new version of ${name} could not be read back.`);
      return toVersion(row);
    },

    async latest(namespace, name) {
      const [row] = await database.run<VersionRow[]>(newestOf(namespace, name));
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

    async moduleBytes(namespace, cid) {
      // A rollback stores no size; the version that it repeats has it.
      const sql =
        'select max(wasm_bytes) as bytes from function_versions where namespace = ? and wasm_cid = ?';
      const [row] = await database.run<{ bytes: number | null }[]>(knex.raw(sql, [namespace, cid]));
      return row?.bytes || null;
    },

    async wasDeployed(namespace, name) {
      const rows = await database.run<unknown[]>(knex('functions').where({ namespace, name }).select('name'));
      return rows.length > 0;
    },

    async remove(namespace, name, audit) {
      const results = await database.batch([
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from functions where namespace = ? and name = ? and deleted_at is null)',
          bindings: [namespace, name],
        }),
        versions().where({ namespace, name }).delete(),
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
      return results.at(-1) === 1;
    },

    async unsettled(limit) {
      const rows = await database.run<VersionRow[]>(
        versions().where({ probe_pending: 1 }).orderBy('updated_at').limit(limit),
      );
      return rows.map(toVersion);
    },

    async settleWarmStart({ namespace, name, version }, warmStart, warmStartReason) {
      await database.batch([
        versions()
          .where({ namespace, name, version })
          .update({ warm_start: warmStart, warm_start_reason: warmStartReason, probe_pending: 0 }),
      ]);
    },

    async count() {
      const [row] = await database.run<{ count: number }[]>(
        knex.raw('select count(*) as count from functions where deleted_at is null'),
      );
      return row?.count ?? 0;
    },
  };
}

function toVersion(row: VersionRow): FunctionVersion {
  return {
    ...toRecord(row),
    metadata: JSON.parse(row.metadata) as FunctionMetadata,
    ...(row.probe_pending === 1 ? { probe_pending: true as const } : {}),
  };
}

function toRecord(row: RecordRow): FunctionRecord {
  return {
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    version: row.version,
    wasm_cid: row.wasm_cid,
    memory_limit_mb: row.memory_limit_mb,
    timeout_seconds: row.timeout_seconds,
    is_public: row.is_public === 1,
    retry_count: row.retry_count,
    retry_delay_seconds: row.retry_delay_seconds,
    status: 'active',
    warm_start: row.warm_start,
    warm_start_reason: row.warm_start_reason,
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
    created_by: row.created_by,
    created_by_name: row.created_by_name,
    message: row.message,
    git_commit: row.git_commit,
  };
}
