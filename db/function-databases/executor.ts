import type { Namespace } from '../../src/contract/ids.js';
import type { Closable } from '../../src/ports/closable.js';
import type { SqlOptions, SqlRows } from '../../src/ports/function-databases.js';
import type { SqlArgument } from './arguments.js';
import type { GuardedStatement, Verb } from './statement.js';

/** A guarded statement with its arguments, one per parameter. */
export interface BoundStatement extends GuardedStatement {
  kind: 'query' | 'exec';
  args: readonly SqlArgument[];
}

export interface StatementOutcome {
  rows: SqlRows;
  rowsAffected: number;
  lastInsertId: number | bigint | null;
}

/**
 * The driver of the functions' databases. Statements have passed the guard, which all drivers
 * share.
 */
export interface Executor extends Closable {
  /**
   * Runs one operation alone, several in one transaction. A query must not write, even if the guard
   * misses a write.
   */
  run(
    namespace: Namespace,
    operations: readonly BoundStatement[],
    options: SqlOptions,
  ): Promise<StatementOutcome[]>;
  /** Whether the driver enforces `maxDatabaseBytes`. */
  readonly limitsBytes: boolean;
  /** Resolves with the size of the namespace's database, in bytes. */
  bytes(namespace: Namespace): Promise<number>;
  ping(): Promise<void>;
}

/**
 * Returns whether SQLite's counters refer to this statement; other statements leave those of an
 * earlier one unchanged.
 */
export function changesRows(verb: Verb): boolean {
  return verb === 'insert' || verb === 'replace' || verb === 'update' || verb === 'delete';
}
