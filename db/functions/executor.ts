import type { Namespace } from '../../src/contract/ids.js';
import type { Closable } from '../../src/ports/closable.js';
import type { SqlOptions } from '../../src/ports/function-databases.js';
import type { SqlArgument } from './arguments.js';
import type { Table } from './rows.js';
import type { GuardedStatement, Verb } from './statement.js';

/** A guarded statement with its arguments, of which there is one for each parameter. */
export interface Operation extends GuardedStatement {
  kind: 'query' | 'exec';
  args: readonly SqlArgument[];
}

export interface Outcome extends Table {
  rowsAffected: number;
  lastInsertId: number | bigint | null;
}

/**
 * What a driver of the functions' databases does; the guard is in front of it, for all drivers
 * alike.
 */
export interface Executor extends Closable {
  readonly driver: string;
  /**
   * One operation by itself, several in one transaction. A query must not write, whatever the guard
   * has missed.
   */
  run(namespace: Namespace, operations: readonly Operation[], options: SqlOptions): Promise<Outcome[]>;
  bytes(namespace: Namespace): Promise<number>;
  ping(): Promise<void>;
}

/**
 * Whether SQLite's counters are of this statement: any other leaves those of an earlier one as they
 * were.
 */
export function changesRows(verb: Verb): boolean {
  return verb === 'insert' || verb === 'replace' || verb === 'update' || verb === 'delete';
}
