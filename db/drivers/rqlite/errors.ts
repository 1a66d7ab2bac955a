/**
 * `RQLITE_UNAVAILABLE`: no node could be asked, nothing was done. `RQLITE_AMBIGUOUS`: a write was
 * sent and the answer was lost, so it may or may not have been done. `RQLITE_TIMEOUT`: the
 * statement itself ran too long. `SQLITE_*`: what SQLite says of a statement.
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
  /** Which statement of a batch it was. */
  statement?: number;
}

export class RqliteError extends Error {
  readonly code: RqliteErrorCode;
  /** The sentence alone: knex puts the SQL in front of `message`. */
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

/** rqlite passes on SQLite's sentences without its codes. */
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

/** The error of one statement, by the sentence that the server gives for it. */
export function statementError(sentence: string, statement?: number): RqliteError {
  const code = SENTENCES.find(([pattern]) => pattern.test(sentence))?.[1] ?? 'SQLITE_ERROR';
  return new RqliteError(code, sentence, statement === undefined ? {} : { statement });
}
