/** An error of SQLite. `reason` is its message without the SQL that knex prepends to `message`. */
export class SqliteError extends Error {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.name = 'SqliteError';
    this.code = code;
    this.reason = reason;
  }
}
