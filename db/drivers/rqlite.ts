import knex from 'knex';
import { AppError } from '../../src/errors.js';
import type { Database } from '../database.js';
import { knexDatabase, queryFailed, statementRefused } from '../knex-database.js';
import { batch } from './rqlite/batch.js';
import { RqliteClient, type RqliteClientConfig } from './rqlite/client.js';
import { RqliteError, type RqliteErrorCode } from './rqlite/errors.js';
import { readNodes } from './rqlite/nodes.js';

export interface RqliteOptions {
  /** The nodes of one cluster, with credentials in the URL. */
  urls: readonly string[];
  /**
   * How long a request is retried while there is no leader, in milliseconds; then it fails with
   * `unavailable`.
   */
  retryForMs?: number;
}

/**
 * Opens an RQLite database. Resolves without a request to it; call `ping` to check that it is
 * reachable.
 */
export async function openRqlite(options: RqliteOptions): Promise<Database> {
  const config: RqliteClientConfig = { client: RqliteClient, rqlite: options };
  const builder = knex(config);
  return knexDatabase({
    knex: builder,
    batch: (queries, batchOptions) => batch(builder, queries, batchOptions),
    nodes: () => readNodes(options.urls),
    toAppError,
    destroy: () => builder.destroy(),
  });
}

const UNREACHABLE = 'The store cannot be reached right now; try again in a moment.';
const IN_DOUBT =
  'The store did not confirm the write; check whether the write took place before repeating it.';
const UNFIT = 'The store cannot take this right now; try again in a moment.';

/**
 * What callers read, without the server's name, and what the operator reads in the log and at
 * start.
 */
const SENTENCES: readonly (readonly [
  prefix: RqliteErrorCode,
  code: 'unavailable' | 'ambiguous_write',
  sentence: string,
  forOperator: string,
])[] = [
  [
    'RQLITE_UNAVAILABLE',
    'unavailable',
    UNREACHABLE,
    'No RQLite node that knows a leader can be reached; check RQLITE_URL and the nodes.',
  ],
  [
    'RQLITE_AMBIGUOUS',
    'ambiguous_write',
    'The connection to the store was lost before it confirmed the write; check whether the write took place before repeating it.',
    'The connection to RQLite was lost before it confirmed a write.',
  ],
  ['RQLITE_REFUSED', 'unavailable', UNREACHABLE, 'The server at RQLITE_URL is not RQLite; check the URL.'],
  [
    'RQLITE_UNAUTHORIZED',
    'unavailable',
    UNREACHABLE,
    'RQLite does not accept the user and password in RQLITE_URL.',
  ],
  [
    'RQLITE_TIMEOUT',
    'unavailable',
    'The store did not answer in time; try again in a moment.',
    'RQLite did not finish a statement in time.',
  ],
  ['SQLITE_FULL', 'unavailable', UNFIT, 'The disk of the RQLite nodes is full; free some space.'],
  ['SQLITE_IOERR', 'unavailable', UNFIT, 'An RQLite node cannot read or write its disk; check it.'],
  [
    'SQLITE_CORRUPT',
    'unavailable',
    UNFIT,
    'The database of an RQLite node is damaged; restore it from a backup.',
  ],
  ['SQLITE_READONLY', 'unavailable', UNFIT, 'An RQLite node cannot write its disk; check its permissions.'],
  ['SQLITE_NOMEM', 'unavailable', UNFIT, 'An RQLite node ran out of memory.'],
  ['SQLITE_BUSY', 'unavailable', UNFIT, 'RQLite is busy with another statement for too long.'],
];

/** Converts driver errors to `AppError`s. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof RqliteError)) {
    return queryFailed(error);
  }
  const known = SENTENCES.find(([prefix]) => error.code.startsWith(prefix));
  if (known !== undefined) {
    const [, knownCode, knownSentence, forOperator] = known;
    const [code, sentence] = error.inDoubt
      ? (['ambiguous_write', IN_DOUBT] as const)
      : [knownCode, knownSentence];
    return new AppError(code, sentence, { cause: new AppError('bad_config', forOperator, { cause: error }) });
  }
  return statementRefused(error);
}
