import type { TriggerSpec } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { AuditEntry } from './audit.js';

/**
 * A trigger as stored. `source` says whether it comes from function.yaml, and is then replaced by
 * each deploy, or from the API.
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

/** Returns the scope of the settings of a trigger, which are deleted with it. */
export function triggerScope(id: string): string {
  return `trigger:${id}`;
}

export interface TriggerStore {
  /**
   * Adds a trigger of the API; if the function already has the same topic or schedule, returns that
   * trigger, which no longer belongs to function.yaml. Resolves with null, and writes no audit
   * entry, if the function does not exist. Throws `quota_exceeded` if the namespace would have more
   * than `limit`.
   */
  add(
    namespace: Namespace,
    fn: FunctionName,
    spec: TriggerSpec,
    audit: AuditEntry,
    limit: number,
  ): Promise<StoredTrigger | null>;
  get(id: string): Promise<StoredTrigger | null>;
  list(namespace: Namespace, fn?: FunctionName): Promise<StoredTrigger[]>;
  /** Lists the triggers with a schedule of all namespaces. */
  schedules(): Promise<StoredTrigger[]>;
  /** Resolves with the updated trigger, or null if it does not exist. */
  setEnabled(
    namespace: Namespace,
    fn: FunctionName,
    id: string,
    enabled: boolean,
    audit: AuditEntry,
  ): Promise<StoredTrigger | null>;
  remove(namespace: Namespace, fn: FunctionName, id: string, audit: AuditEntry): Promise<boolean>;
}
