import type { Namespace } from '../../src/contract/ids.js';
import type { FunctionDatabases, SqlArgs, SqlOperation } from '../../src/ports/function-databases.js';
import { toArguments } from './arguments.js';
import type { RqliteExecutorOptions } from './drivers/rqlite.js';
import type { SqliteExecutorOptions } from './drivers/sqlite.js';
import type { BoundStatement, Executor, StatementOutcome } from './executor.js';
import { NO_ROWS } from './rows.js';
import { toSelect } from './select.js';
import { guardWithArguments } from './statement.js';
import { StatementLimit } from './statement-limit.js';

export type FunctionDatabasesOptions = (
  | ({ driver: 'sqlite' } & SqliteExecutorOptions)
  | ({ driver: 'rqlite' } & RqliteExecutorOptions)
) & {
  /**
   * Returns the size limit of a namespace's database in bytes, for calls without
   * `maxDatabaseBytes`; unlimited by default.
   */
  limitOf?: (namespace: Namespace) => Promise<number>;
};

/** Opens the functions' databases, one per namespace, behind the guard. */
export async function openFunctionDatabases(options: FunctionDatabasesOptions): Promise<FunctionDatabases> {
  const executor = await openExecutor(options);
  const limit = new StatementLimit();
  const run: Executor['run'] = (namespace, operations, limits) =>
    limit.run(namespace, operations, async () => {
      const maxDatabaseBytes = limits.maxDatabaseBytes ?? (await options.limitOf?.(namespace));
      const bounded = maxDatabaseBytes === undefined ? limits : { ...limits, maxDatabaseBytes };
      return executor.run(namespace, operations, bounded);
    });

  return {
    async query(namespace, sql, args, limits) {
      const [outcome] = await run(namespace, [toOperation('query', sql, args)], limits);
      return outcome?.rows ?? NO_ROWS;
    },
    async select(namespace, selection, limits) {
      const { sql, args } = toSelect(selection);
      const [outcome] = await run(namespace, [toOperation('query', sql, args)], limits);
      return outcome?.rows ?? NO_ROWS;
    },
    async execute(namespace, sql, args, limits) {
      const [outcome] = await run(namespace, [toOperation('exec', sql, args)], limits);
      return toResult(outcome);
    },
    async transaction(namespace, operations, limits) {
      if (operations.length === 0) return [];
      const guarded = operations.map(({ kind, sql, args }: SqlOperation) => toOperation(kind, sql, args));
      const outcomes = await run(namespace, guarded, limits);
      return outcomes.map((outcome, at) =>
        guarded[at]?.kind === 'query' ? outcome.rows : toResult(outcome),
      );
    },
    bytes: (namespace) => executor.bytes(namespace),
    quotaBytes: async (namespace) => (executor.limitsBytes ? executor.bytes(namespace) : 0),
    ping: () => executor.ping(),
    close: () => executor.close(),
  };
}

async function openExecutor(options: FunctionDatabasesOptions): Promise<Executor> {
  switch (options.driver) {
    case 'sqlite':
      return (await import('./drivers/sqlite.js')).openSqliteExecutor(options);
    case 'rqlite':
      return (await import('./drivers/rqlite.js')).openRqliteExecutor(options);
  }
}

function toOperation(kind: 'query' | 'exec', sql: string, args: SqlArgs): BoundStatement {
  return { kind, ...guardWithArguments(sql, kind, args.length), args: toArguments(args) };
}

function toResult(outcome: StatementOutcome | undefined) {
  return { rowsAffected: outcome?.rowsAffected ?? 0, lastInsertId: outcome?.lastInsertId ?? null };
}
