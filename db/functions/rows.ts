import { MAX_HOST_RESULT_BYTES } from '../../src/contract/limits.js';
import { stringifyExact } from '../../src/exact-json.js';

/** Rows as a driver reads them, with values converted by `toJsonValue`. */
export interface RowTable {
  columns: readonly string[];
  values: readonly (readonly unknown[])[];
}

/**
 * Makes column names unique, so that a row object contains all columns: the second column `name`
 * becomes `name:2`, the third `name:3`.
 */
export function distinctNames(columns: readonly string[]): string[] {
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

/** Converts rows to objects; `__proto__` is treated like any other column. */
export function toRows({ columns, values }: RowTable): Record<string, unknown>[] {
  const names = distinctNames(columns);
  return values.map((row) => {
    const record: Record<string, unknown> = {};
    names.forEach((name, at) => {
      // An assignment would set the prototype of the object.
      if (name === '__proto__') {
        Object.defineProperty(record, name, {
          value: row[at],
          enumerable: true,
          writable: true,
          configurable: true,
        });
      } else record[name] = row[at];
    });
    return record;
  });
}

/** Sums up the size of rows as JSON. */
export class RowBudget {
  readonly #names: number;
  #bytes = 2;

  constructor(columns: readonly string[]) {
    this.#names = columns.reduce((bytes, name) => bytes + Buffer.byteLength(JSON.stringify(name)) + 1, 1);
  }

  /** Adds a row. Returns false when the rows exceed the size limit of a result. */
  take(row: readonly unknown[]): boolean {
    this.#bytes += this.#names + Buffer.byteLength(stringifyExact(row));
    return this.#bytes <= MAX_HOST_RESULT_BYTES;
  }
}
