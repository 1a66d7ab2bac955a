import type { BoundStatement, StatementOutcome } from '../executor.js';
import type { SqliteFault } from './sqlite-errors.js';

/**
 * Engine → child. A child runs one request at a time, so that killing it ends only that request.
 */
export interface ChildRequest {
  file: string;
  operations: readonly BoundStatement[];
  /** The limit of the size of the file; unlimited by default. */
  maxBytes?: number;
}

/**
 * Child → engine. `ready` is sent once, before the first reply; `committing` before the writes of a
 * request are committed.
 */
export type ChildMessage = { kind: 'ready' } | { kind: 'committing' } | ChildReply;

/**
 * Child → engine, one per request. `isSpent`: the child uses much memory or has a low priority, and
 * must be replaced.
 */
export type ChildReply = (
  | { kind: 'done'; outcomes: StatementOutcome[] }
  /**
   * `at`: the index of the operation. `code`: SQLite's primary result code, or the code of a
   * SqliteFault.
   */
  | { kind: 'failed'; code: number | SqliteFault['code']; message: string; at: number }
) & { isSpent: boolean };

/**
 * The signal with which a child ends itself when a statement uses too much memory. Nothing else
 * sends it.
 */
export const OUT_OF_MEMORY_SIGNAL = 'SIGUSR2';
/** The memory limit of a statement, in addition to the resident memory of the idle process. */
export const MAX_STATEMENT_MB = 256;
