import type { Operation, Outcome } from '../executor.js';

/** Engine → child. The child does one request at a time, so that killing it ends that one alone. */
export interface ChildRequest {
  file: string;
  operations: readonly Operation[];
}

/** Child → engine, one per request. */
export type ChildReply =
  | { kind: 'done'; outcomes: Outcome[] }
  /**
   * `at`: which of the operations. `code`: SQLite's, or RESULT_TOO_LARGE. `spent`: the child is to be ended, since a
   * statement that was left half read holds its snapshot of the database, and libsql has no way to let it go.
   */
  | { kind: 'failed'; code: string; message: string; at: number; spent: boolean };
