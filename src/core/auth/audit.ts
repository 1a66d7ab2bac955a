import type { Namespace } from '../../contract/ids.js';
import type { AuditEvent } from '../../contract/records.js';
import type { AuditAction, AuditEntry, AuditQuery } from '../../ports/store/audit.js';
import type { Store } from '../../ports/store.js';
import { uuidv7 } from '../../uuid.js';
import type { Actor } from './principal.js';

/**
 * The audit log, kept as long as invocation logs. If the store can write an entry atomically with
 * the change, the use case passes the entry to it; otherwise it records the entry before it
 * returns.
 */
export interface Audit {
  /**
   * Records an entry; it is durable when the promise resolves. `namespace` defaults to that of the
   * actor.
   */
  record(by: Actor, action: AuditAction, target: string, namespace?: Namespace): Promise<void>;
  /** Lists events, newest first. */
  list(query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }>;
}

export function createAudit({ store }: { store: Pick<Store, 'audit'> }): Audit {
  return {
    record: (by, action, target, namespace) => store.audit.record(auditEntry(by, action, target, namespace)),
    list: (query) => store.audit.list(query),
  };
}

/** Creates an entry for a store method that writes it together with the change. */
export function auditEntry(
  { principal, requestId }: Actor,
  action: AuditAction,
  target: string,
  namespace: Namespace = principal.namespace,
  targetName: string | null = null,
): AuditEntry {
  return {
    id: uuidv7(),
    namespace,
    at: Date.now(),
    actor: principal.subject,
    actorName: principal.keyName,
    action,
    target,
    targetName,
    requestId,
  };
}
