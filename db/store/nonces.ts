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

/** The challenges that a wallet signs to log in. */
export function createNonces(database: Database): Pick<SessionStore, 'addNonce' | 'takeNonce'> {
  const { knex } = database;
  const nonces = () => knex<NonceRow>('nonces');

  return {
    async addNonce({ nonce, wallet, namespace, purpose, expiresAt }) {
      await database.batch([
        // Challenges can be requested without authentication, so expired ones are deleted to bound
        // the table.
        nonces().where('expires_at', '<', Date.now()).delete(),
        nonces().insert({ nonce, wallet, namespace, purpose, expires_at: expiresAt }),
      ]);
    },

    async takeNonce(nonce, wallet) {
      const [row] = await database.run<NonceRow[]>(
        knex.raw('delete from nonces where nonce = ? and wallet = ? returning *', [nonce, wallet]),
      );
      if (row === undefined || row.expires_at <= Date.now()) return null;
      const { namespace, purpose, expires_at: expiresAt } = row;
      return { wallet, namespace, nonce, purpose, expiresAt };
    },
  };
}
