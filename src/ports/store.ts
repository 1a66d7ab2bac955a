import type { Closable } from './closable.js';
import type { Node } from './node.js';
import type { AliasStore } from './store/aliases.js';
import type { AttemptStore } from './store/attempts.js';
import type { AuditStore } from './store/audit.js';
import type { BlobOwnerStore } from './store/blob-owners.js';
import type { CallbackStore } from './store/callbacks.js';
import type { FunctionStore } from './store/functions.js';
import type { IdempotencyStore } from './store/idempotency.js';
import type { KeyStore } from './store/keys.js';
import type { QuotaStore } from './store/quotas.js';
import type { RolloutStore } from './store/rollouts.js';
import type { SecretStore } from './store/secrets.js';
import type { SessionStore } from './store/sessions.js';
import type { SettingStore } from './store/settings.js';
import type { TraceStore } from './store/traces.js';
import type { TriggerStore } from './store/triggers.js';

/**
 * Metadata, logs and secrets. A write is durable when its promise resolves, and each method is one
 * atomic step: there are no transactions across calls, as RQLite has none. Times are Unix
 * milliseconds, except in records that clients see, which use RFC 3339.
 */
export interface Store extends Closable {
  readonly functions: FunctionStore;
  readonly aliases: AliasStore;
  readonly rollouts: RolloutStore;
  readonly triggers: TriggerStore;
  readonly secrets: SecretStore;
  readonly attempts: AttemptStore;
  readonly keys: KeyStore;
  readonly audit: AuditStore;
  readonly idempotency: IdempotencyStore;
  readonly blobOwners: BlobOwnerStore;
  readonly callbacks: CallbackStore;
  readonly traces: TraceStore;
  readonly sessions: SessionStore;
  readonly settings: SettingStore;
  /** Lists the servers of the database; empty for a local file. */
  nodes(): Promise<Node[]>;
  readonly quotas: QuotaStore;
  /** Throws `unavailable` if the database is unreachable. */
  ping(): Promise<void>;
}
