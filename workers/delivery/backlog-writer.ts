import { isAppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Backlog } from '../../src/ports/backlog.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import { decodeRow } from './log-records.js';

export interface BacklogWriterDeps {
  backlog: Pick<Backlog, 'setAside'>;
  logger: Logger;
  /** Writes rows to the store within its time limit. */
  write(rows: readonly AttemptRow[]): Promise<void>;
}

interface BacklogRow {
  record: string;
  row: AttemptRow;
}

interface RefusedRow extends BacklogRow {
  error: unknown;
  /** Whether the store took the row without its content. */
  isStored: boolean;
}

/**
 * Writes records of the backlog to the store. A record that the store refuses, although it takes
 * others, must neither hold them up nor be retried for ever: it is set aside and logged, and its
 * row is written without its content, so that the invocation has its end.
 */
export class BacklogWriter {
  readonly #deps: BacklogWriterDeps;

  constructor(deps: BacklogWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Rejects when the store is unreachable, or takes none of the records: the reason is then not one
   * record. Records may be written again, which changes nothing.
   */
  async write(records: readonly string[]): Promise<void> {
    const rows: BacklogRow[] = [];
    const unreadable: { record: string; error: Error }[] = [];
    for (const record of records) {
      const row = decoded(record);
      if (row instanceof Error) unreadable.push({ record, error: row });
      else rows.push({ record, row });
    }
    const refused = await this.#writeRows(rows);
    const [lost, ...others] = refused.filter(({ isStored }) => !isStored);
    if (lost !== undefined && others.length + 1 === rows.length) throw lost.error;
    // Only now: until the store is back, the same records are passed here again and again.
    for (const { record, error } of unreadable) await this.#setAside(record, {}, error);
    for (const { record, row, error } of refused) await this.#setAside(record, nameOf(row), error);
  }

  /** Halves the rows until those that the store refuses are alone. Resolves with these. */
  async #writeRows(rows: readonly BacklogRow[]): Promise<RefusedRow[]> {
    const [first, ...others] = rows;
    if (first === undefined) return [];
    const error = await this.#refusalOf(rows.map(({ row }) => row));
    if (error === null) return [];
    if (others.length > 0) {
      const half = rows.length >> 1;
      const firstHalf = await this.#writeRows(rows.slice(0, half));
      return [...firstHalf, ...(await this.#writeRows(rows.slice(half)))];
    }
    const isStored = (await this.#refusalOf([withoutContent(first.row)])) === null;
    return [{ ...first, error, isStored }];
  }

  /** Writes the rows. Resolves with the error if the store refuses them, otherwise with null. */
  async #refusalOf(rows: readonly AttemptRow[]): Promise<unknown> {
    try {
      await this.#deps.write(rows);
      return null;
    } catch (error) {
      if (isOutage(error)) throw error;
      return error;
    }
  }

  async #setAside(record: string, name: object, error: unknown): Promise<void> {
    await this.#deps.backlog.setAside([record]);
    this.#deps.logger.error(
      { ...name, err: reasonOf(error) },
      'the store refuses a log record; it was set aside',
    );
  }
}

/** Whether a write failed for a reason that has nothing to do with its rows. */
export function isOutage(error: unknown): boolean {
  return isAppError(error, 'unavailable') || isAppError(error, 'ambiguous_write');
}

function decoded(record: string): AttemptRow | Error {
  try {
    return decodeRow(record);
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

/** Returns the message of the database's error; `reason` is the message without the statement. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const reason = cause instanceof Error && 'reason' in cause ? cause.reason : undefined;
  return typeof reason === 'string' ? reason : messageOf(cause);
}

/** What a person needs to find the invocation of a row. */
function nameOf({ requestId, attempt, namespace, function: fn }: AttemptRow): object {
  return { request_id: requestId, attempt, namespace, function: fn };
}

/** Returns the row without what functions and callers have put into it. */
function withoutContent(row: AttemptRow): AttemptRow {
  const timestamp = new Date().toISOString();
  const message = 'The store refused the log, input and output of this attempt; they were set aside.';
  return {
    ...row,
    messages: [{ level: 'error', message, timestamp }],
    error: row.error === null ? null : message,
    http: null,
    traceparent: null,
    final: row.final && { ...row.final, output: null, input: null, httpRequest: null, response: null },
  };
}
