import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DecodedTable } from '../../drivers/rqlite/decode.js';
import { RqliteError } from '../../drivers/rqlite/errors.js';
import { type BoundStatement, changesRows, type StatementOutcome } from '../executor.js';
import { ResultBudget, RowWriter } from '../rows.js';
import { toJsonValue } from '../values.js';

/** How long writing the rows of a result may block the event loop, in milliseconds. */
const MAX_BLOCKED_MS = 5;

export async function toOutcomes(
  operations: readonly BoundStatement[],
  tables: readonly DecodedTable[],
): Promise<StatementOutcome[]> {
  const outcomes: StatementOutcome[] = [];
  const budget = new ResultBudget();
  for (const [at, table] of tables.entries()) outcomes.push(await toOutcome(operations[at], table, budget));
  return outcomes;
}

async function toOutcome(
  operation: BoundStatement | undefined,
  table: DecodedTable,
  budget: ResultBudget,
): Promise<StatementOutcome> {
  if (operation === undefined)
    throw new RqliteError('RQLITE_REFUSED', 'there are more results than statements');
  const { kind, verb } = operation;
  const rows = new RowWriter(table.columns, budget);
  let since = performance.now();
  for (const row of table.values) {
    if (!rows.add(row.map(toJsonValue)))
      throw new RqliteError('RQLITE_TOO_LARGE', 'the rows are larger than 8 MB');
    if (performance.now() - since < MAX_BLOCKED_MS) continue;
    await nextTurn();
    since = performance.now();
  }
  // DDL leaves the counters of an earlier statement unchanged.
  const writes = kind === 'exec' && changesRows(verb);
  const inserts = verb === 'insert' || verb === 'replace';
  const { changes, lastId } = table;
  return {
    rows: rows.finish(),
    rowsAffected: writes ? changes : 0,
    lastInsertId: writes && inserts && changes > 0 && lastId !== 0 ? lastId : null,
  };
}
