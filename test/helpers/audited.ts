import type { AuditEntry } from '../../src/ports/store/audit.js';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from './attempt.js';

/** A limit that no test reaches. */
export const ENOUGH = 1e9;

export const ENOUGH_FOR_ALL = {
  functions: ENOUGH,
  versions_per_function: ENOUGH,
  triggers: ENOUGH,
  storage_mb: ENOUGH,
};

/** Returns the audit entry of a change: of a new namespace, with what is given. */
export function anEntry(given: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: uuidv7(),
    namespace: aNamespace(),
    at: Date.now(),
    actor: 'key:1',
    actorName: 'ci',
    action: 'function.deploy',
    target: 'f',
    targetName: null,
    requestId: 'r-1',
    ...given,
  };
}
