import type { TriggerSpec } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { AuditEntry } from './audit.js';

/**
 * A trigger as the engine keeps it. `source`: listed in function.yaml (replaced by each deploy) or
 * added by hand.
 */
export interface StoredTrigger {
  id: string;
  namespace: Namespace;
  function: FunctionName;
  spec: TriggerSpec;
  source: 'manifest' | 'api';
  enabled: boolean;
  createdAt: number;
}

export interface TriggerStore {
  /**
   * Adding the same topic or schedule to the same function again returns the one that is there.
   * Throws `quota_exceeded` when the namespace would have more than `limit`.
   */
  add(
    namespace: Namespace,
    fn: FunctionName,
    spec: TriggerSpec,
    audit?: AuditEntry,
    limit?: number,
  ): Promise<StoredTrigger>;
  get(id: string): Promise<StoredTrigger | null>;
  list(namespace: Namespace, fn?: FunctionName): Promise<StoredTrigger[]>;
  /** Every trigger with a schedule, of all namespaces. */
  schedules(): Promise<StoredTrigger[]>;
  /** The trigger as it then is; null when there is none. */
  setEnabled(
    namespace: Namespace,
    fn: FunctionName,
    id: string,
    enabled: boolean,
    audit?: AuditEntry,
  ): Promise<StoredTrigger | null>;
  remove(namespace: Namespace, fn: FunctionName, id: string, audit?: AuditEntry): Promise<boolean>;
}
