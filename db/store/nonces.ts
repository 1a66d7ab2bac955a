import type { Namespace } from '../../src/contract/ids.js';
import type { SessionStore } from '../../src/ports/store/sessions.js';
import type { Database } from '../database.js';

interface NonceRow {
  nonce: string;
  wallet: string;
  namespace: Namespace;
  purpose: string;
  expires_at: number;
}

type Nonces = Pick<SessionStore, 'addNonce' | 'takeNonce' | 'addLink' | 'takeLink'>;

/** The wallet in the row of a console link, whose nonce is a hash and whose purpose is a key id. */
const LINK_HOLDER = 'console-link';

/** What can be used once: the challenges that a wallet signs to log in, and console links. */
export function createNonces(database: Database): Nonces {
  const { knex } = database;
  const nonces = () => knex<NonceRow>('nonces');

  async function add(row: NonceRow): Promise<void> {
    await database.batch([
      // Challenges can be requested without authentication, so expired ones are deleted to bound
      // the table.
      nonces().where('expires_at', '<', Date.now()).delete(),
      nonces().insert(row),
    ]);
  }

  async function take(nonce: string, wallet: string): Promise<NonceRow | null> {
    const [row] = await database.run<NonceRow[]>(
      knex.raw('delete from nonces where nonce = ? and wallet = ? returning *', [nonce, wallet]),
    );
    return row === undefined || row.expires_at <= Date.now() ? null : row;
  }

  return {
    async addNonce({ expiresAt, ...nonce }) {
      await add({ ...nonce, expires_at: expiresAt });
    },

    async takeNonce(nonce, wallet) {
      const row = await take(nonce, wallet);
      if (row === null) return null;
      const { expires_at: expiresAt, ...names } = row;
      return { ...names, expiresAt };
    },

    async addLink({ hash, keyId, namespace, expiresAt }) {
      await add({ nonce: hash, wallet: LINK_HOLDER, namespace, purpose: keyId, expires_at: expiresAt });
    },

    async takeLink(hash) {
      const row = await take(hash, LINK_HOLDER);
      return row && { hash, keyId: row.purpose, namespace: row.namespace, expiresAt: row.expires_at };
    },
  };
}
