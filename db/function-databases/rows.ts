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
 * Writes the rows of a result as JSON objects, without creating the objects: a result may have a
 * million rows.
 */
export class RowWriter {
  readonly #names: readonly string[];
  readonly #rows: string[] = [];
  /** With "[", and a comma or "]" after each row. */
  #bytes = 1;

  constructor(columns: readonly string[]) {
    this.#names = distinctNames(columns).map((name, at) => `${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
  }

  /**
   * Adds a row with values converted by `toJsonValue`. Returns false when the rows exceed the size
   * limit of a result.
   */
  add(row: readonly unknown[]): boolean {
    let text = '{';
    for (let at = 0; at < row.length; at++) text += `${this.#names[at]}${valueText(row[at])}`;
    text += '}';
    this.#rows.push(text);
    this.#bytes += Buffer.byteLength(text) + 1;
    return this.#bytes <= MAX_HOST_RESULT_BYTES;
  }

  finish(): SqlRows {
    return { json: `[${this.#rows.join(',')}]`, count: this.#rows.length };
  }
}

function valueText(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
