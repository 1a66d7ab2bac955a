import type { Namespace } from '../../src/contract/ids.js';
import type { Closable } from '../../src/ports/closable.js';
import type { SqlOptions } from '../../src/ports/function-databases.js';
import type { SqlArgument } from './arguments.js';
import type { Verb } from './statement.js';

/** A guarded statement with its arguments. */
export interface Operation {
  kind: 'query' | 'exec';
  sql: string;
  verb: Verb;
  args: readonly SqlArgument[];
}

/** `rows` are fit for JSON: integers beyond 2^53 as strings, blobs as {"$blob": base64}. */
export interface Outcome {
  rows: Record<string, unknown>[];
  rowsAffected: number;
  lastInsertId: number | null;
}

/** What a driver of the functions' databases does; the guard is in front of it, for all drivers alike. */
export interface Executor extends Closable {
  readonly driver: string;
  /** One operation by itself, several in one transaction. A query must not write, whatever the guard has missed. */
  run(namespace: Namespace, operations: readonly Operation[], options: SqlOptions): Promise<Outcome[]>;
  ping(): Promise<void>;
}
