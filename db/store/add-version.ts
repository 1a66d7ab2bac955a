import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { FunctionVersion } from '../../src/contract/function.js';
import { NO_ORIGIN } from '../../src/contract/version-origin.js';
import { AppError } from '../../src/errors.js';
import type { AuditEntry } from '../../src/ports/store/audit.js';
import type { NewVersion } from '../../src/ports/store/functions.js';
import type { Database, Query } from '../database.js';
import { auditQueries } from './audit.js';
import { deployCheck } from './deploy-check.js';
import { batchWithRoutes, claimRoutes } from './function-routes.js';
import { replaceManifestTriggers } from './manifest-triggers.js';
import { batchWithinQuota } from './quota-check.js';
import { cleanText } from './text.js';
import { newestVersion, toVersion, type VersionRow } from './version-row.js';

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

/** The number of the new version is known only within the batch. */
const NUMBER_AUDITED_VERSION = `
update audit_events set target = target || '@' ||
  (select last_version from functions where namespace = ? and name = ?)
where namespace = ? and id = ?`;

/**
 * Adds a version and replaces the routes and triggers of the previous one, in one batch. See
 * `FunctionStore.addVersion`.
 */
export async function addVersion(
  database: Database,
  version: NewVersion,
  audit: AuditEntry,
): Promise<FunctionVersion> {
  const { knex } = database;
  const { namespace, settings } = version;
  const { name, metadata } = settings;
  const now = Date.now();
  const routes = metadata.http?.routes ?? [];
  const queries = [
    knex.raw(NEXT_VERSION, [namespace, name, randomUUID(), now]),
    insertVersion(knex, version, now),
    ...claimRoutes(knex, { namespace, name }),
    ...replaceManifestTriggers(knex, { namespace, name }, metadata.triggers, now),
    ...auditQueries(knex, audit),
    knex.raw(NUMBER_AUDITED_VERSION, [namespace, name, namespace, audit.id]),
    newestVersion(knex, namespace, name),
  ];
  const results = await batchWithRoutes(database, { namespace, name }, { routes }, () =>
    batchWithinQuota(database, deployCheck(version), queries),
  );
  const [row] = results.at(-1) as VersionRow[];
  if (row === undefined) throw new AppError('internal', `The new version of ${name} could not be read back.`);
  return toVersion(row);
}

function insertVersion(knex: Knex, version: NewVersion, now: number): Query<unknown> {
  const { namespace, settings, wasmCid, wasmBytes = 0, createdBy, createdByName = null } = version;
  const { warmStart, warmStartReason, probePending, origin = NO_ORIGIN } = version;
  return knex.raw(INSERT_VERSION, [
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
    JSON.stringify(settings.metadata),
    wasmBytes,
    origin.message === null ? null : cleanText(origin.message),
    origin.git_commit,
    createdByName === null ? null : cleanText(createdByName),
    namespace,
    settings.name,
  ]);
}
