import type { Knex } from 'knex';
import type {
  FunctionMetadata,
  FunctionRecord,
  FunctionVersion,
  WarmStart,
} from '../../src/contract/function.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { rfc3339 } from './time.js';

export interface VersionRow {
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

export type RecordRow = Omit<VersionRow, 'metadata' | 'probe_pending'>;

/** The columns of the public record. Lists have no metadata, of which many versions have much. */
export const RECORD_COLUMNS = [
  ...['id', 'name', 'namespace', 'version', 'wasm_cid', 'memory_limit_mb', 'timeout_seconds', 'is_public'],
  ...['retry_count', 'retry_delay_seconds', 'warm_start', 'warm_start_reason', 'created_at', 'updated_at'],
  ...['created_by', 'created_by_name', 'message', 'git_commit'],
]
  .map((column) => `v.${column}`)
  .join(', ');

/** Returns the query of the newest version of a function. */
export function newestVersion(knex: Knex, namespace: Namespace, name: FunctionName) {
  return knex<VersionRow>('function_versions').where({ namespace, name }).orderBy('version', 'desc').limit(1);
}

export function toVersion(row: VersionRow): FunctionVersion {
  return {
    ...toRecord(row),
    metadata: JSON.parse(row.metadata) as FunctionMetadata,
    ...(row.probe_pending === 1 ? { probe_pending: true as const } : {}),
  };
}

export function toRecord(row: RecordRow): FunctionRecord {
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
