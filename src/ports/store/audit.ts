import type { Namespace } from '../../contract/ids.js';
import type { AuditEvent } from '../../contract/records.js';

/**
 * What is written into the audit log with a change: in the same step, and only if the change took
 * place. Writing the same entry again changes nothing.
 */
export interface AuditEntry {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  at: number;
  actor: string;
  action: AuditAction;
  target: string;
  requestId: string;
}

export type AuditAction =
  | 'function.deploy'
  | 'function.delete'
  | 'function.rollback'
  | 'alias.set'
  | 'alias.delete'
  | 'rollout.start'
  | 'rollout.abort'
  | 'trigger.add'
  | 'trigger.delete'
  | 'trigger.enable'
  | 'trigger.disable'
  | 'trigger.run'
  | 'secret.set'
  | 'secret.delete'
  | 'key.create'
  | 'key.revoke'
  | 'callback_secret.renew'
  | 'quota.set'
  | 'invocation.replay'
  | 'dead_letters.replay'
  | 'dead_letters.purge';

export interface AuditQuery {
  namespace: Namespace;
  since?: number;
  actor?: string;
  limit: number;
  cursor?: string;
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }>;
  /** Deletes what is older; returns how many, bounded work per call. */
  sweep(before: number): Promise<number>;
}
