import type { FunctionDatabases, SqlArgs, SqlOperation } from '../../src/ports/function-databases.js';
import { toArguments } from './arguments.js';
import { openRqliteExecutor, type RqliteExecutorOptions } from './drivers/rqlite.js';
import { openSqliteExecutor, type SqliteExecutorOptions } from './drivers/sqlite.js';
import type { Executor, Operation, Outcome } from './executor.js';
import { toRows } from './rows.js';
import { toSelect } from './select.js';
import { guardWithArguments } from './statement.js';

export type FunctionDatabasesOptions =
  | ({ driver: 'sqlite' } & SqliteExecutorOptions)
  | ({ driver: 'rqlite' } & RqliteExecutorOptions);

/** The functions' databases, one per namespace, behind the guard. */
export async function openFunctionDatabases(options: FunctionDatabasesOptions): Promise<FunctionDatabases> {
  const executor = await openExecutor(options);

  return {
    driver: executor.driver,
    async query(namespace, sql, args, limits) {
      const [outcome] = await executor.run(namespace, [toOperation('query', sql, args)], limits);
      return outcome === undefined ? [] : toRows(outcome);
    },
    async select(namespace, selection, limits) {
      const { sql, args } = toSelect(selection);
      const [outcome] = await executor.run(namespace, [toOperation('query', sql, args)], limits);
      return outcome === undefined ? [] : toRows(outcome);
    },
    async execute(namespace, sql, args, limits) {
      const [outcome] = await executor.run(namespace, [toOperation('exec', sql, args)], limits);
      return toResult(outcome);
    },
    async transaction(namespace, operations, limits) {
      if (operations.length === 0) return [];
      const guarded = operations.map(({ kind, sql, args }: SqlOperation) => toOperation(kind, sql, args));
      const outcomes = await executor.run(namespace, guarded, limits);
      return outcomes.map((outcome, at) =>
        guarded[at]?.kind === 'query' ? toRows(outcome) : toResult(outcome),
      );
    },
    size: (namespace) => executor.size(namespace),
    ping: () => executor.ping(),
    close: () => executor.close(),
  };
}

function openExecutor(options: FunctionDatabasesOptions): Promise<Executor> {
  switch (options.driver) {
    case 'sqlite':
      return openSqliteExecutor(options);
    case 'rqlite':
      return openRqliteExecutor(options);
  }
}

function toOperation(kind: 'query' | 'exec', sql: string, args: SqlArgs): Operation {
  return { kind, ...guardWithArguments(sql, kind, args.length), args: toArguments(args) };
}

function toResult(outcome: Outcome | undefined) {
  return { rowsAffected: outcome?.rowsAffected ?? 0, lastInsertId: outcome?.lastInsertId ?? null };
}
