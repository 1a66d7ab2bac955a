import { ACCESS } from './001-schema/access.js';
import { ATTEMPTS } from './001-schema/attempts.js';
import { FUNCTIONS } from './001-schema/functions.js';

export interface Migration {
  name: string;
  /** Applied in one batch: all or none. */
  statements: readonly string[];
}

/** In the order they are applied. Append only: what has been released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '001-schema', statements: [...FUNCTIONS, ...ATTEMPTS, ...ACCESS] },
  {
    name: '002-rollouts-announced',
    // 0 from the end of a rollout until it has been published.
    statements: ['alter table rollouts add column announced integer not null default 1'],
  },
  {
    name: '003-ended-keys',
    statements: [
      // The hashes of revoked admin keys: a process that is started with one does not add it again.
      `create table revoked_admin_keys (
        hash text not null primary key,
        revoked_at integer not null
      ) strict, without rowid`,
      // For deleting expired keys.
      'create index api_keys_by_expiry on api_keys (expires_at) where expires_at is not null',
    ],
  },
];
