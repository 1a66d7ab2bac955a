import type { Namespace } from '../contract/ids.js';
import type { AuditEvent } from '../contract/records.js';
import type { AuditAction, AuditEntry, AuditQuery } from '../ports/store/audit.js';
import type { Store } from '../ports/store.js';
import { uuidv7 } from '../uuid.js';
import type { Actor } from './auth/principal.js';

/**
 * Who changed what, kept as long as logs. Where the store can write the event in one step with the
 * change, the use case passes it the entry; else it records the event before it answers.
 */
export interface Audit {
  /** Durable when it resolves. `namespace`: by default the actor's own. */
  record(by: Actor, action: AuditAction, target: string, namespace?: Namespace): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }>;
}

export function createAudit({ store }: { store: Pick<Store, 'audit'> }): Audit {
  return {
    record: (by, action, target, namespace) => store.audit.record(auditEntry(by, action, target, namespace)),
    list: (query) => store.audit.list(query),
  };
}

/** For a store's method that writes it together with the change. */
export function auditEntry(
  { principal, requestId }: Actor,
  action: AuditAction,
  target: string,
  namespace: Namespace = principal.namespace,
): AuditEntry {
  return {
    id: uuidv7(),
    namespace,
    at: Date.now(),
    actor: principal.subject,
    action,
    target,
    requestId,
  };
}
