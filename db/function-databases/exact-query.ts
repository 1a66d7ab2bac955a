/**
 * Wraps a query so that its columns are shown by `expression`. OFFSET prevents SQLite from
 * flattening the subquery, which would evaluate each column as often as the expression mentions it.
 * Within the parentheses only a single, reading statement is valid.
 */
export function exactQuery(sql: string, columns: number, expression: (name: string) => string): string {
  const names = Array.from({ length: columns }, (_, at) => `c${at}`);
  const shown = names.map(expression).join();
  return `with "orama result"(${names}) as (${sql}\n) select ${shown} from (select * from "orama result" limit -1 offset 0)`;
}

/** Returns the message for a text that a JavaScript string cannot represent. */
export function notUtf8(column: string | undefined): string {
  return `the text in column "${column ?? ''}" is no valid UTF-8: select hex() of it, or cast it to a blob`;
}
