/** The values that can be bound to a `?`. libsql aborts the process for any other value. */
export type SqlValue = string | number | bigint | Uint8Array | null;

export interface Statement {
  sql: string;
  bindings: readonly SqlValue[];
}

export interface StatementResult {
  rows: Record<string, unknown>[];
  changes: number;
  lastId: number;
}

/**
 * Main thread → SQLite thread. The statements run in order; several run in one transaction. `close`
 * closes the file and ends the thread.
 */
export type SqliteRequest = { id: number; statements: readonly Statement[] } | 'close';

/**
 * SQLite thread → main thread: first `opened` or `unopened`, then one reply per request, in order.
 */
export type SqliteReply =
  | { kind: 'opened' }
  | { kind: 'unopened'; code: string; message: string }
  | { kind: 'done'; id: number; results: StatementResult[] }
  | { kind: 'failed'; id: number; code: string; message: string };

export interface SqliteThreadOptions {
  file: string;
  busyTimeoutMs: number;
}

/** What the thread starts with. */
export interface SqliteThreadData extends SqliteThreadOptions {
  /** See `createCallLock`. */
  lock: SharedArrayBuffer;
}
