import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count } from '../text.js';
import { ScrollArea } from './scroll-area.js';

/** The number of rows per page. */
const PAGE_ROWS = 100;

export interface Column<R> {
  /** The heading; empty for a column of actions. */
  name: string;
  /** Right-aligned, for numbers. */
  isNumber?: boolean;
  /** Names the row: on a narrow screen it comes first, without the heading of its column. */
  isTitle?: boolean;
  /** Uses the remaining width, truncated with an ellipsis. */
  isWide?: boolean;
  /** Replaces the name in the heading. */
  head?: ComponentChildren;
  cell(row: R): ComponentChildren;
}

interface TableProps<R> {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  /**
   * Layout on narrow screens: `stack` shows each row as a block with the name and value of each
   * column; `scroll`, for any number of columns, keeps the table and scrolls it.
   */
  whenNarrow?: 'stack' | 'scroll';
  keyOf(row: R, index: number): string | number;
}

/**
 * A table with at most 100 rows per page. The roles equal those of the elements, which browsers
 * remove if a style sheet changes their `display`.
 */
export function Table<R>({ label, columns, rows, whenNarrow = 'stack', keyOf }: TableProps<R>) {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const shown = Math.min(page, pages - 1);
  const from = shown * PAGE_ROWS;
  return (
    <>
      <ScrollArea class="table" label={label}>
        <table role="table" class={whenNarrow}>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <th key={column.name} scope="col" role="columnheader" class={classOf(column)}>
                  {column.head ??
                    (column.name === '' ? <span class="visually-hidden">Actions</span> : column.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.slice(from, from + PAGE_ROWS).map((row, index) => (
              <tr key={keyOf(row, from + index)} role="row">
                {columns.map((column) => (
                  <td key={column.name} role="cell" class={classOf(column)} data-column={column.name}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
      {pages > 1 && (
        <nav class="pages" aria-label={`Pages of ${label}`}>
          <button type="button" aria-disabled={shown === 0} onClick={() => setPage(Math.max(0, shown - 1))}>
            Previous
          </button>
          <span>
            {count(from + 1)}–{count(Math.min(from + PAGE_ROWS, rows.length))} of {count(rows.length)}
          </span>
          <button
            type="button"
            aria-disabled={shown === pages - 1}
            onClick={() => setPage(Math.min(pages - 1, shown + 1))}
          >
            Next
          </button>
        </nav>
      )}
    </>
  );
}

function classOf<R>({ name, head, isNumber, isTitle, isWide }: Column<R>): string {
  return [
    name === '' && 'actions',
    head !== undefined && 'control',
    ...[isNumber && 'number', isTitle && 'title', isWide && 'wide'],
  ]
    .filter(Boolean)
    .join(' ');
}
