import { countParameters, findParameters } from './parameters.js';
import { read, refused, refuseNames } from './statement.js';
import type { SqlTokens } from './tokens.js';

/**
 * Where an expression is used: in a condition (WHERE, ON), or in a list of columns (SELECT), which
 * may also name it.
 */
export type ExpressionPlace = 'condition' | 'column';

export interface GuardedExpression {
  /** The trimmed expression, which can be put into parentheses. */
  sql: string;
  /** The number of arguments. */
  parameters: number;
}

/** Words that would end the expression and continue the surrounding statement. */
const CLAUSES = new Set(
  `select values with insert update delete replace create alter drop from where group having order limit offset union
  intersect except window returning set into join on using`.split(/\s+/),
);

/**
 * Validates a SQL expression that is to be inserted into a statement, by the same rules as `guard`:
 * no clause of a statement outside parentheses, no comma, no comment, only allowed functions. A
 * `column` may be `*` or `t.*`, or end with `AS name`. Throws `invalid_sql` with the reason
 * otherwise.
 */
export function guardExpression(sql: string, place: ExpressionPlace): GuardedExpression {
  const tokens = read(sql, 'expression');
  if (tokens.length === 0) throw refused('The expression is empty');
  if (tokens.hasComment) throw refused('An expression may hold no comment');
  assertOneExpression(tokens, place);
  refuseNames(tokens);
  const parameters = findParameters(tokens);
  // A bare ? is numbered by the parameters before it, which differ once the expression is part of a
  // statement.
  if (parameters.some(({ start, end }) => end - start > 1))
    throw refused('Numbered parameters are not supported in an expression; use ? for each argument');
  return { sql: sql.trim(), parameters: countParameters(parameters) };
}

function assertOneExpression(tokens: SqlTokens, place: ExpressionPlace): void {
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    if (tokens.isMark(at, '(')) depth += 1;
    else if (tokens.isMark(at, ')')) depth -= 1;
    if (depth < 0) break;
    if (tokens.isMark(at, ';')) throw refused('An expression may hold no semicolon');
    if (depth > 0) continue;
    if (tokens.isMark(at, ',')) throw refused('Only one expression is allowed, without a comma');
    const word = tokens.word(at);
    if (word === null || tokens.isMark(at - 1, '.')) continue;
    if (word === 'replace' && tokens.isMark(at + 1, '(')) continue;
    if (word === 'as' && place === 'column' && at > 0 && at === tokens.length - 2) continue;
    const isComparison = word === 'from' && tokens.isWord(at - 1, 'distinct');
    if ((CLAUSES.has(word) && !isComparison) || word === 'as')
      throw refused(`An expression may not go on with ${word.toUpperCase()}`);
  }
  if (depth !== 0) throw refused('The parentheses of the expression do not match');
}
