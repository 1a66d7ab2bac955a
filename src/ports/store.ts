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
import type { TriggerStore } from './store/triggers.js';

/**
 * Metadata, logs and secrets. Every write is durable when it resolves, and each method is one
 * atomic step: there are no transactions that span calls (RQLite has none). Times in and out are
 * Unix milliseconds, except in records that a client sees, which carry RFC 3339.
 */
export interface Store extends Closable {
  readonly driver: string;
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
  readonly sessions: SessionStore;
  readonly settings: SettingStore;
  /** The servers that hold it: none where it is a file. */
  nodes(): Promise<Node[]>;
  readonly quotas: QuotaStore;
  /** Throws `unavailable` when the database is away. */
  ping(): Promise<void>;
}
