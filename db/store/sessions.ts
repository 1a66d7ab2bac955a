import type { Namespace } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { SessionStore } from '../../src/ports/store/sessions.js';
import type { Database } from '../database.js';
import { revokeMadeBy } from './keys.js';

interface NonceRow {
  nonce: string;
  wallet: string;
  namespace: Namespace;
  purpose: string;
  expires_at: number;
}

interface TokenRow {
  hash: string;
  family: string;
  wallet: string;
  namespace: Namespace;
  expires_at: number;
  used_at: number | null;
}

/**
 * How long a revocation is kept, in milliseconds, beyond which it is kept only while the family has
 * a refresh token. Longer than the lifetime of access tokens.
 */
const REVOCATION_KEPT_MS = 30 * 24 * 3_600_000;
const FORGET_REVOCATIONS = `
delete from revoked_families
where revoked_at < ? and family not in (select family from refresh_tokens)`;

/** A second use of a refresh token ends its login and deletes the keys that derive from it. */
const REVOKE_KEYS_OF_SPENT = `
delete from api_keys where id in (
  select key_id from key_makers where maker in (
    select 'session:' || family from refresh_tokens where hash = ? and used_at is not null))`;

/**
 * Creates the repository of wallet challenges, refresh tokens, revocations and namespace owners.
 */
export function createSessionStore(database: Database): SessionStore {
  const { knex } = database;
  const nonces = () => knex<NonceRow>('nonces');
  const tokens = () => knex<TokenRow>('refresh_tokens');

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

    async addRefresh({ hash, family, wallet, namespace, expiresAt }) {
      const now = Date.now();
      await database.batch([
        tokens().where('expires_at', '<', now).delete(),
        knex.raw(FORGET_REVOCATIONS, [now - REVOCATION_KEPT_MS]),
        tokens().insert({ hash, family, wallet, namespace, expires_at: expiresAt, used_at: null }),
      ]);
    },

    async useRefresh(hash) {
      const now = Date.now();
      const [rows] = await database.batch([
        knex.raw(
          `select t.*, (t.used_at is not null or r.family is not null) as spent
           from refresh_tokens t left join revoked_families r on r.family = t.family
           where t.hash = ? and t.expires_at > ?`,
          [hash, now],
        ),
        knex.raw(
          `insert into revoked_families (family, revoked_at)
           select family, ? from refresh_tokens where hash = ? and used_at is not null
           on conflict (family) do nothing`,
          [now, hash],
        ),
        knex.raw(REVOKE_KEYS_OF_SPENT, [hash]),
        tokens().where({ hash }).whereNull('used_at').update({ used_at: now }),
      ]);
      const [row] = rows as (TokenRow & { spent: number })[];
      if (row === undefined) return null;
      const { family, wallet, namespace, expires_at: expiresAt } = row;
      return { token: { hash, family, wallet, namespace, expiresAt }, used: row.spent === 1 };
    },

    async revokeFamily(family) {
      await database.batch(
        [
          knex('revoked_families').insert({ family, revoked_at: Date.now() }).onConflict('family').ignore(),
          ...revokeMadeBy(knex, { kind: 'session', family }),
        ],
        { idempotent: true },
      );
    },

    async revokedFamilies(since) {
      return database.run<string[]>(
        knex('revoked_families').where('revoked_at', '>=', since).pluck('family'),
      );
    },

    async families(wallet, namespace) {
      return database.run<string[]>(tokens().where({ wallet, namespace }).distinct('family').pluck('family'));
    },

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
