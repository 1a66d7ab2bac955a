/** What SQLite said. `reason` is its own sentence: knex puts the SQL in front of `message`. */
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
