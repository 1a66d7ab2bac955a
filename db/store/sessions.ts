import type { SessionStore } from '../../src/ports/store/sessions.js';
import type { Database } from '../database.js';
import { createNamespaceOwners } from './namespace-owners.js';
import { createNonces } from './nonces.js';
import { createRefreshTokens } from './refresh-tokens.js';

/**
 * Creates the repository of wallet challenges, refresh tokens, revocations and namespace owners.
 */
export function createSessionStore(database: Database): SessionStore {
  return {
    ...createNonces(database),
    ...createRefreshTokens(database),
    ...createNamespaceOwners(database),
  };
}
