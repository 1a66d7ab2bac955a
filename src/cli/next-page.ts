import type { Terminal } from './terminal.js';

/**
 * Prints the option that shows the next page of a list. Users may paste it into a shell, so it is
 * omitted for a cursor with other characters than the engine's cursors have.
 */
export function printNextPage(terminal: Terminal, cursor: string | null | undefined): void {
  if (cursor != null && /^[\w.-]+$/.test(cursor)) terminal.progress(`More with: --cursor ${cursor}`);
}
