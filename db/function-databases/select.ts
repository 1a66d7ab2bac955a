import { AppError, isAppError } from '../../src/errors.js';
import type { Condition, Selection, SqlArgs } from '../../src/ports/function-databases.js';
import { type ExpressionPlace, guardExpression } from './expression.js';

interface Select {
  sql: string;
  args: SqlArgs;
}

/**
 * Builds the statement of a selection. Names are quoted, and expressions are guarded and in
 * parentheses, so that neither can be interpreted differently in their context.
 */
export function toSelect(selection: Selection): Select {
  const { table, alias, columns, joins, where, groupBy, orderBy, limit, offset } = selection;
  const args: unknown[] = [];
  const parts = [
    'SELECT',
    columns.length === 0 ? '*' : columns.map((expr, at) => plain(expr, 'column', `select[${at}]`)).join(', '),
    `FROM ${quoted(table)}`,
    alias === undefined ? '' : `AS ${quoted(alias)}`,
    ...joins.map(
      (join, at) =>
        `${join.kind} JOIN ${quoted(join.table)} ON (${plain(join.on, 'condition', `joins[${at}].on`)})`,
    ),
    where.length === 0
      ? ''
      : `WHERE ${where.map((condition, at) => conditionAt(condition, at, args)).join(' ')}`,
    groupBy.length === 0 ? '' : `GROUP BY ${groupBy.map(quoted).join(', ')}`,
    orderBy.length === 0 ? '' : `ORDER BY ${orderBy.map(ordered).join(', ')}`,
    // SQLite has no OFFSET without LIMIT; a negative LIMIT means none.
    limit === undefined && offset === undefined ? '' : `LIMIT ${limit ?? -1}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ];
  return { sql: parts.filter((part) => part !== '').join(' '), args };
}

function conditionAt(condition: Condition, at: number, args: unknown[]): string {
  const conj = at === 0 ? '' : `${condition.conj} `;
  if ('column' in condition) {
    if (condition.value === null) return `${conj}${quoted(condition.column)} IS NULL`;
    args.push(condition.value);
    return `${conj}${quoted(condition.column)} = ?`;
  }
  const { sql, parameters } = guarded(condition.expr, 'condition', `where[${at}].expr`);
  if (parameters !== condition.args.length) {
    throw new AppError(
      'invalid_sql',
      `where[${at}].expr takes ${parameters} arguments and where[${at}].args has ${condition.args.length}; give one for each ?.`,
    );
  }
  args.push(...condition.args);
  return `${conj}(${sql})`;
}

/** Guards an expression that cannot have arguments. */
function plain(expr: string, place: ExpressionPlace, name: string): string {
  const { sql, parameters } = guarded(expr, place, name);
  if (parameters === 0) return sql;
  throw new AppError(
    'invalid_sql',
    `${name} has a ?, and arguments belong to the conditions of where alone.`,
  );
}

function guarded(expr: string, place: ExpressionPlace, name: string) {
  try {
    return guardExpression(expr, place);
  } catch (error) {
    if (!isAppError(error, 'invalid_sql')) throw error;
    throw new AppError('invalid_sql', `${name}: ${error.message}`, { cause: error });
  }
}

/**
 * Quotes `name` or `table.name` with backticks: SQLite treats an unknown name in double quotes as a
 * text, but not one in backticks.
 */
function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `\`${part.replaceAll('`', '``')}\``)
    .join('.');
}

function ordered(order: string): string {
  const [column = '', ...direction] = order.split(' ');
  return [quoted(column), ...direction].join(' ');
}
