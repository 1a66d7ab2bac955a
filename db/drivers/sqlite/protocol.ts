/** What may be bound to a `?`. Anything else aborts the whole process inside libsql. */
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
 * Main thread → SQLite thread. The statements run in order; with more than one, in a transaction.
 */
export interface SqliteRequest {
  id: number;
  statements: readonly Statement[];
}

/**
 * SQLite thread → main thread: first `opened` or `unopened`, then one answer per request, in order.
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
