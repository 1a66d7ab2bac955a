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
}

/** An error of the transport, of the server or of a statement; see RqliteErrorCode. */
export class RqliteError extends Error {
  readonly code: RqliteErrorCode;
  /** The message without the SQL that knex prepends to `message`. */
  readonly reason: string;
  readonly statement: number | undefined;

  constructor(code: RqliteErrorCode, reason: string, { cause, statement }: RqliteErrorDetails = {}) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = 'RqliteError';
    this.code = code;
    this.reason = reason;
    this.statement = statement;
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
