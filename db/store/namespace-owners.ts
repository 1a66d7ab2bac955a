import { AppError } from '../../src/errors.js';
import type { SessionStore } from '../../src/ports/store/sessions.js';
import type { Database } from '../database.js';

/** The wallets that own namespaces. */
export function createNamespaceOwners(
  database: Database,
): Pick<SessionStore, 'claimNamespace' | 'namespaceOwner'> {
  const { knex } = database;

  return {
    async claimNamespace(namespace, wallet) {
      const [, rows] = await database.batch(
        [
          knex('namespaces')
            .insert({ namespace, wallet, claimed_at: Date.now() })
            .onConflict('namespace')
            .ignore(),
          knex('namespaces').where({ namespace }),
        ],
        { idempotent: true },
      );
      const [row] = rows as { wallet: string }[];
      if (row === undefined)
        throw new AppError('internal', `The claim of ${namespace} could not be read back.`);
      return row.wallet;
    },

    async namespaceOwner(namespace) {
      const [wallet] = await database.run<string[]>(knex('namespaces').where({ namespace }).pluck('wallet'));
      return wallet ?? null;
    },
  };
}
