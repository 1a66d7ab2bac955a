import type { Store } from '../../src/ports/store.js';
import type { Database } from '../database.js';
import { createAliasStore } from './aliases.js';
import { createAttemptStore } from './attempts.js';
import { createAuditStore } from './audit.js';
import { createBlobOwnerStore } from './blob-owners.js';
import { createCallbackStore } from './callbacks.js';
import { createFunctionStore } from './functions.js';
import { createIdempotencyStore } from './idempotency.js';
import { createKeyStore } from './keys.js';
import { createQuotaStore } from './quotas.js';
import { createRolloutStore } from './rollouts.js';
import { createSecretStore } from './secrets.js';
import { createSessionStore } from './sessions.js';
import { createSettingStore } from './settings.js';
import { createTraceStore } from './traces.js';
import { createTriggerStore } from './triggers.js';

/**
 * Creates the store on a database with an up-to-date schema. Closing the store closes the database.
 */
export function createStore(database: Database): Store {
  return {
    functions: createFunctionStore(database),
    aliases: createAliasStore(database),
    rollouts: createRolloutStore(database),
    triggers: createTriggerStore(database),
    secrets: createSecretStore(database),
    attempts: createAttemptStore(database),
    keys: createKeyStore(database),
    audit: createAuditStore(database),
    idempotency: createIdempotencyStore(database),
    blobOwners: createBlobOwnerStore(database),
    callbacks: createCallbackStore(database),
    traces: createTraceStore(database),
    sessions: createSessionStore(database),
    settings: createSettingStore(database),
    nodes: () => database.nodes(),
    quotas: createQuotaStore(database),
    ping: () => database.ping(),
    close: () => database.close(),
  };
}
