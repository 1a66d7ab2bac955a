import { MAX_HOST_RESULT_BYTES } from '../../src/contract/limits.js';
import { stringifyExact } from '../../src/exact-json.js';

/** Rows as a driver reads them; values are as `toJsonValue` makes them. */
export interface Table {
  columns: readonly string[];
  values: readonly (readonly unknown[])[];
}

/**
 * Of several columns with one name the second is `name:2`, the third `name:3`, so that a row object
 * holds them all.
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

/** Rows as objects; `__proto__` is a column like any other. */
export function toRows({ columns, values }: Table): Record<string, unknown>[] {
  const names = distinctNames(columns);
  return values.map((row) => {
    const record: Record<string, unknown> = {};
    names.forEach((name, at) => {
      // An assignment would set the object's prototype.
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

/** Adds up how large rows are as JSON. */
export class RowBudget {
  readonly #names: number;
  #bytes = 2;

  constructor(columns: readonly string[]) {
    this.#names = columns.reduce((bytes, name) => bytes + Buffer.byteLength(JSON.stringify(name)) + 1, 1);
  }

  /** False when the rows are larger than a result may be. */
  take(row: readonly unknown[]): boolean {
    this.#bytes += this.#names + Buffer.byteLength(stringifyExact(row));
    return this.#bytes <= MAX_HOST_RESULT_BYTES;
  }
}
