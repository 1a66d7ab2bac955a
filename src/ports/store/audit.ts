import type { Namespace } from '../../contract/ids.js';
import type { AuditEvent } from '../../contract/records.js';

/**
 * An entry of the audit log that is written atomically with a change, and only if the change took
 * place. Writing it again changes nothing.
 */
export interface AuditEntry {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  at: number;
  actor: string;
  /** The name of the key in `actor`; null for wallets. */
  actorName: string | null;
  action: AuditAction;
  target: string;
  /** The name of the key in `target`; null for other targets. */
  targetName: string | null;
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
  since?: number | undefined;
  actor?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  /** Lists events, newest first. */
  list(query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }>;
  /** Deletes older events. Resolves with their number; the work per call is bounded. */
  sweep(before: number): Promise<number>;
}
