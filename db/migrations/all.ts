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
];
