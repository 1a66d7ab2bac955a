import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { openStore } from '../../db/open.js';
import { openBus } from '../../src/bus/open.js';
import { Auth } from '../../src/core/auth/auth.js';
import { type ForeignIssuer, openTokens, type Tokens } from '../../src/core/auth/jwt.js';
import { Keys } from '../../src/core/auth/keys.js';
import type { Actor, Principal } from '../../src/core/auth/principal.js';
import { Sessions } from '../../src/core/auth/sessions.js';
import type { Bus } from '../../src/ports/bus.js';
import type { Store } from '../../src/ports/store.js';
import { uuidv7 } from '../../src/uuid.js';
import { unboundedQuotas } from '../helpers/quotas.js';

export interface AuthParts {
  store: Store;
  bus: Bus;
  keys: Keys;
  tokens: Tokens;
  sessions: Sessions;
  auth: Auth;
  close(): Promise<void>;
}

export function ed25519Pem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Opens authentication on a real store in the directory. */
export async function openAuth(
  directory: string,
  options: { privateKey?: string; foreign?: ForeignIssuer; signup?: 'open' | 'closed' } = {},
): Promise<AuthParts> {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  const bus = await openBus({ driver: 'local' });
  const keys = await Keys.open({ store, bus, quotas: unboundedQuotas() });
  const tokens = await openTokens({
    privateKey: options.privateKey ?? ed25519Pem(),
    foreign: options.foreign,
  });
  const sessions = await Sessions.open({ store, bus, tokens, signup: options.signup ?? 'open' });
  const auth = new Auth({ keys, tokens, sessions, namespaces: store.sessions });
  return {
    store,
    bus,
    keys,
    tokens,
    sessions,
    auth,
    async close() {
      await sessions.close();
      await keys.close();
      await bus.close();
      await store.close();
    },
  };
}

/** Creates an actor with a new request id. */
export function by(principal: Principal): Actor {
  return { principal, requestId: uuidv7() };
}
