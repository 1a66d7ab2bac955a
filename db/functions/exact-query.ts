/**
 * A query whose columns come as `expression` shows them. OFFSET keeps SQLite from merging the
 * levels, which would compute each column as often as the expression names it. In parentheses
 * nothing can be but one statement, and one that only reads.
 */
export function exactQuery(sql: string, columns: number, expression: (name: string) => string): string {
  const names = Array.from({ length: columns }, (_, at) => `c${at}`);
  const shown = names.map(expression).join();
  return `with "orama result"(${names}) as (${sql}\n) select ${shown} from (select * from "orama result" limit -1 offset 0)`;
}

/** What is said of a text that no string can hold. */
export function notUtf8(column: string | undefined): string {
  return `the text in column "${column ?? ''}" is no valid UTF-8: select hex() of it, or cast it to a blob`;
}
