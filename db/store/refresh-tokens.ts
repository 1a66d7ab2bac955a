import type { Namespace } from '../../src/contract/ids.js';
import { DAY_MS } from '../../src/contract/limits.js';
import type { SessionStore } from '../../src/ports/store/sessions.js';
import type { Database } from '../database.js';
import { revokeMadeBy } from './keys.js';

interface TokenRow {
  hash: string;
  /** The session. */
  family: string;
  /** The subject: a wallet, or `key:<id>`. */
  wallet: string;
  namespace: Namespace;
  expires_at: number;
  used_at: number | null;
}

/**
 * How long a revocation is kept, in milliseconds, beyond which it is kept only while the session
 * has a refresh token. Longer than the lifetime of access tokens.
 */
const REVOCATION_KEPT_MS = 30 * DAY_MS;
const FORGET_REVOCATIONS = `
delete from revoked_families
where revoked_at < ? and family not in (select family from refresh_tokens)`;

/** A second use of a refresh token ends its session and deletes the keys that derive from it. */
const REVOKE_KEYS_OF_SPENT = `
delete from api_keys where id in (
  select key_id from key_makers where maker in (
    select 'session:' || family from refresh_tokens where hash = ? and used_at is not null))`;

type RefreshTokens = Pick<
  SessionStore,
  'addRefresh' | 'useRefresh' | 'revokeSession' | 'revokedSessions' | 'sessionsOf'
>;

/** Refresh tokens, and the revocations of the sessions to which they belong. */
export function createRefreshTokens(database: Database): RefreshTokens {
  const { knex } = database;
  const tokens = () => knex<TokenRow>('refresh_tokens');

  return {
    async addRefresh({ hash, session, subject, namespace, expiresAt }) {
      const now = Date.now();
      await database.batch([
        tokens().where('expires_at', '<', now).delete(),
        knex.raw(FORGET_REVOCATIONS, [now - REVOCATION_KEPT_MS]),
        tokens().insert({
          hash,
          family: session,
          wallet: subject,
          namespace,
          expires_at: expiresAt,
          used_at: null,
        }),
      ]);
    },

    async useRefresh(hash, wanted) {
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
        tokens()
          .where(wanted === undefined ? { hash } : { hash, namespace: wanted })
          .whereNull('used_at')
          .update({ used_at: now }),
      ]);
      const [row] = rows as (TokenRow & { spent: number })[];
      if (row === undefined) return null;
      const { family: session, wallet: subject, namespace, expires_at: expiresAt } = row;
      return { token: { hash, session, subject, namespace, expiresAt }, used: row.spent === 1 };
    },

    async revokeSession(session) {
      await database.batch(
        [
          knex('revoked_families')
            .insert({ family: session, revoked_at: Date.now() })
            .onConflict('family')
            .ignore(),
          ...revokeMadeBy(knex, { kind: 'session', id: session }),
        ],
        { idempotent: true },
      );
    },

    async revokedSessions(since) {
      return database.run<string[]>(
        knex('revoked_families').where('revoked_at', '>=', since).pluck('family'),
      );
    },

    async sessionsOf(wallet, namespace) {
      return database.run<string[]>(tokens().where({ wallet, namespace }).distinct('family').pluck('family'));
    },
  };
}
