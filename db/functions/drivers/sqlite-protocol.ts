import type { Operation, Outcome } from '../executor.js';
import type { SqliteFault } from './sqlite-errors.js';

/** Engine → child. The child does one request at a time, so that killing it ends that one alone. */
export interface ChildRequest {
  file: string;
  operations: readonly Operation[];
  /** How large the file may be; unbounded by default. */
  maxBytes?: number;
}

/**
 * Child → engine, one per request. With `isSpent` the child holds much memory or has a low
 * priority, and is to be replaced.
 */
export type ChildReply = (
  | { kind: 'done'; outcomes: Outcome[] }
  /**
   * `at`: which of the operations. `code`: SQLite's primary result code, or what else was wrong.
   */
  | { kind: 'failed'; code: number | SqliteFault['code']; message: string; at: number }
) & { isSpent: boolean };

/** By which a child ends itself when a statement takes too much memory. Nobody else sends it. */
export const OUT_OF_MEMORY_SIGNAL = 'SIGUSR2';
/** What a statement may take beyond what the process has at rest. */
export const MAX_STATEMENT_MB = 256;
