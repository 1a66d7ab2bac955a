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
  /** Hidden on narrow screens. */
  isMinor?: boolean;
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
  keyOf(row: R, index: number): string | number;
}

/** A table that renders PAGE_ROWS rows at a time. */
export function Table<R>({ label, columns, rows, keyOf }: TableProps<R>) {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const shown = Math.min(page, pages - 1);
  const from = shown * PAGE_ROWS;
  return (
    <>
      <ScrollArea class="table" label={label}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" class={classOf(column)}>
                  {column.head ??
                    (column.name === '' ? <span class="visually-hidden">Actions</span> : column.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(from, from + PAGE_ROWS).map((row, index) => (
              <tr key={keyOf(row, from + index)}>
                {columns.map((column) => (
                  <td key={column.name} class={classOf(column)}>
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
          <button type="button" disabled={shown === 0} onClick={() => setPage(shown - 1)}>
            Previous
          </button>
          <span>
            {count(from + 1)}–{count(Math.min(from + PAGE_ROWS, rows.length))} of {count(rows.length)}
          </span>
          <button type="button" disabled={shown === pages - 1} onClick={() => setPage(shown + 1)}>
            Next
          </button>
        </nav>
      )}
    </>
  );
}

function classOf<R>({ name, isNumber, isMinor, isWide }: Column<R>): string {
  return [name === '' && 'actions', isNumber && 'number', isMinor && 'minor', isWide && 'wide']
    .filter(Boolean)
    .join(' ');
}
