import type { Namespace } from '../../contract/ids.js';
import type { AuditAction, AuditEntry } from '../../ports/store/audit.js';
import { uuidv7 } from '../../uuid.js';
import type { Actor } from './principal.js';

/**
 * Creates an entry. If the store can write it atomically with the change, the use case passes it to
 * that method; otherwise it records the entry before it returns.
 */
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
