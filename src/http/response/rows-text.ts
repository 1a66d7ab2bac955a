import type { SqlRows } from '../../ports/function-databases.js';

/** Returns the body `{items, count}` of a query. */
export function rowsText({ json, count }: SqlRows): string {
  return `{"items":${json},"count":${count}}`;
}

/** Returns the only row of a query for one row as JSON; null if there is none. */
export function onlyRowText({ json, count }: SqlRows): string | null {
  return count === 0 ? null : json.slice(1, -1);
}
