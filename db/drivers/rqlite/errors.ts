/**
 * `RQLITE_UNAVAILABLE`: no node could be reached, the request was not executed. `RQLITE_AMBIGUOUS`:
 * a write was sent and the response was lost, so it may have been executed. `RQLITE_TIMEOUT`: the
 * statement exceeded its time limit. `SQLITE_*`: SQLite's error for a statement.
 */
export type RqliteErrorCode =
  | 'RQLITE_UNAVAILABLE'
  | 'RQLITE_AMBIGUOUS'
  | 'RQLITE_UNAUTHORIZED'
  | 'RQLITE_TIMEOUT'
  | 'RQLITE_ABORTED'
  | 'RQLITE_TOO_LARGE'
  | 'RQLITE_REFUSED'
  | 'RQLITE_NO_TRANSACTION'
  | `SQLITE_${string}`;

export interface RqliteErrorDetails {
  cause?: unknown;
  /** The index of the statement in a batch. */
  statement?: number;
  inDoubt?: boolean;
}

/** An error of the transport, of the server or of a statement; see RqliteErrorCode. */
export class RqliteError extends Error {
  readonly code: RqliteErrorCode;
  /** The message without the SQL that knex prepends to `message`. */
  readonly reason: string;
  readonly statement: number | undefined;
  /** Whether this is a write that has failed on one node and may be executed by the others. */
  readonly inDoubt: boolean;

  constructor(
    code: RqliteErrorCode,
    reason: string,
    { cause, statement, inDoubt = false }: RqliteErrorDetails = {},
  ) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = 'RqliteError';
    this.code = code;
    this.reason = reason;
    this.statement = statement;
    this.inDoubt = inDoubt;
  }
}

/** Errors of the node that executes a statement, and not of the statement. */
const OF_ONE_NODE: ReadonlySet<RqliteErrorCode> = new Set([
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_BUSY',
  'SQLITE_CORRUPT',
  'SQLITE_READONLY',
  'SQLITE_NOMEM',
  // Each node applies the time limit on its own clock.
  'RQLITE_TIMEOUT',
]);

/**
 * Calls a function that reads the results of a write. A statement that was executed is in the log
 * of the cluster: where the leader fails, for example because its disk is full, the other nodes may
 * have executed it, as may the leader itself after a restart.
 */
export function readingWrites<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RqliteError && OF_ONE_NODE.has(error.code))) throw error;
    const { code, reason, statement } = error;
    throw new RqliteError(code, reason, {
      cause: error,
      inDoubt: true,
      ...(statement === undefined ? {} : { statement }),
    });
  }
}

/** Maps SQLite's messages to its codes, because rqlite passes on only the messages. */
const SENTENCES: readonly (readonly [sentence: RegExp, code: RqliteErrorCode])[] = [
  [/^UNIQUE constraint failed/, 'SQLITE_CONSTRAINT_UNIQUE'],
  [/^NOT NULL constraint failed/, 'SQLITE_CONSTRAINT_NOTNULL'],
  [/^FOREIGN KEY constraint failed/, 'SQLITE_CONSTRAINT_FOREIGNKEY'],
  [/^CHECK constraint failed/, 'SQLITE_CONSTRAINT_CHECK'],
  [/constraint failed/, 'SQLITE_CONSTRAINT'],
  [/^database is locked/, 'SQLITE_BUSY'],
  [/^database or disk is full/, 'SQLITE_FULL'],
  [/^disk I\/O error/, 'SQLITE_IOERR'],
  [/^database disk image is malformed/, 'SQLITE_CORRUPT'],
  [/readonly database/, 'SQLITE_READONLY'],
  [/^out of memory/, 'SQLITE_NOMEM'],
  [/^(query|execute) timeout|^interrupted/, 'RQLITE_TIMEOUT'],
];

/** Creates the error of one statement from the server's message. */
export function statementError(sentence: string, statement?: number): RqliteError {
  const code = SENTENCES.find(([pattern]) => pattern.test(sentence))?.[1] ?? 'SQLITE_ERROR';
  return new RqliteError(code, sentence, statement === undefined ? {} : { statement });
}
