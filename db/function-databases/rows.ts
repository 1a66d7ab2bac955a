import { MAX_HOST_RESULT_BYTES } from '../../src/contract/limits.js';
import type { SqlRows } from '../../src/ports/function-databases.js';

/** The result of a statement that returns no rows. */
export const NO_ROWS: SqlRows = { json: '[]', count: 0 };

/**
 * Makes column names unique, so that a row object contains all columns: the second column `name`
 * becomes `name:2`, the third `name:3`.
 */
function distinctNames(columns: readonly string[]): string[] {
  const taken = new Set(columns);
  const counts = new Map<string, number>();
  return columns.map((column) => {
    let count = (counts.get(column) ?? 0) + 1;
    let name = column;
    if (count > 1) {
      while (taken.has(`${column}:${count}`)) count += 1;
      name = `${column}:${count}`;
      taken.add(name);
    }
    counts.set(column, count);
    return name;
  });
}

/**
 * The bytes that the results of one call may have. Several operations share them, since all results
 * are in memory before the first one is sent.
 */
export class ResultBudget {
  #left = MAX_HOST_RESULT_BYTES;

  /** Returns false if the bytes exceed the limit. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }
}

/**
 * Writes the rows of a result as JSON objects, without creating the objects: a result may have a
 * million rows.
 */
export class RowWriter {
  readonly #names: readonly string[];
  readonly #rows: string[] = [];
  readonly #budget: ResultBudget;

  constructor(columns: readonly string[], budget: ResultBudget) {
    this.#budget = budget;
    // "["; after each row there is a comma or "]".
    budget.take(1);
    this.#names = distinctNames(columns).map((name, at) => `${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
  }

  /**
   * Adds a row with values converted by `toJsonValue`. Returns false when the rows exceed the
   * budget.
   */
  add(row: readonly unknown[]): boolean {
    let text = '{';
    for (let at = 0; at < row.length; at++) text += `${this.#names[at]}${valueText(row[at])}`;
    text += '}';
    this.#rows.push(text);
    return this.#budget.take(Buffer.byteLength(text) + 1);
  }

  finish(): SqlRows {
    return { json: `[${this.#rows.join(',')}]`, count: this.#rows.length };
  }
}

function valueText(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

/**
 * Says that a result exceeds the budget of its call, which may have several operations. Without a
 * capital letter and a full stop.
 */
export function tooLarge(several: boolean): string {
  const together = several ? ', with those of the other operations' : '';
  return `the result is larger than 8 MB${together}; select fewer rows or columns`;
}
