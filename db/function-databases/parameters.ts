import { AppError } from '../../src/errors.js';
import type { SqlTokens } from './tokens.js';

export interface Parameter {
  start: number;
  end: number;
  /** The number of its argument, from 1. */
  number: number;
}

/**
 * Numbers the parameters as SQLite does: `?3` is the third argument, a bare `?` the one after the
 * highest so far.
 */
export function findParameters(tokens: SqlTokens): Parameter[] {
  const found: Parameter[] = [];
  let highest = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    if (tokens.kind(at) !== 'parameter') continue;
    const [start, end] = [tokens.start(at), tokens.end(at)];
    const number = end - start === 1 ? highest + 1 : Number(tokens.sql.slice(start + 1, end));
    highest = Math.max(highest, number);
    found.push({ start, end, number });
  }
  return found;
}

/** Returns the number of arguments of a statement with these parameters. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((highest, { number }) => Math.max(highest, number), 0);
}

/** Throws `invalid_sql` with both counts unless there is one argument per parameter. */
export function assertArgumentCount(parameters: readonly Parameter[], given: number): void {
  const wanted = countParameters(parameters);
  if (wanted === given) return;
  throw new AppError(
    'invalid_sql',
    `The statement has ${wanted} ${wanted === 1 ? 'parameter' : 'parameters'} and ${given} ` +
      `${given === 1 ? 'argument was' : 'arguments were'} given; pass one argument for each parameter.`,
  );
}

/** Adds `CAST(… AS TEXT)` around the parameters of the given arguments, which are sent as bytes. */
export function castToText(
  sql: string,
  parameters: readonly Parameter[],
  numbers: ReadonlySet<number>,
): string {
  let text = '';
  let from = 0;
  for (const { start, end, number } of parameters) {
    if (!numbers.has(number)) continue;
    text += `${sql.slice(from, start)}CAST(?${number} AS TEXT)`;
    from = end;
  }
  return text + sql.slice(from);
}
