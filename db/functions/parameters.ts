import { AppError } from '../../src/errors.js';
import type { Tokens } from './tokens.js';

export interface Parameter {
  start: number;
  end: number;
  /** From 1: which argument it takes. */
  number: number;
}

/**
 * As SQLite has it: `?3` takes the third argument, a bare `?` the one behind the highest so far.
 */
export function findParameters(tokens: Tokens): Parameter[] {
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

/** How many arguments a statement with these parameters takes. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((highest, { number }) => Math.max(highest, number), 0);
}

/** Throws `invalid_sql` with both counts unless there is one argument for each parameter. */
export function assertArgumentCount(parameters: readonly Parameter[], given: number): void {
  const wanted = countParameters(parameters);
  if (wanted === given) return;
  throw new AppError(
    'invalid_sql',
    `The statement has ${wanted} ${wanted === 1 ? 'parameter' : 'parameters'} and ${given} ` +
      `${given === 1 ? 'argument was' : 'arguments were'} given; pass one argument for each parameter.`,
  );
}

/**
 * The text with `CAST(… AS TEXT)` around the parameters of these arguments, by number: they are
 * sent as bytes.
 */
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
