import { REFUSAL, Refusal } from '../refusal.js';
import type { QueueState } from '../store.js';
import { publish } from './events.js';
import { keyOf } from './rows.js';

function existingKey(queue: QueueState, id: string): number {
  const key = keyOf(queue, id);
  if (key === undefined) throw new Refusal(REFUSAL.missingJob);
  return key;
}

export interface UpdateDataOptions {
  id: string;
  /** JSON. */
  data: string;
}

/** From now on the input is in the job's row, even if it was in `payload` before. */
export function updateData(queue: QueueState, { id, data }: UpdateDataOptions): void {
  const key = existingKey(queue, id);
  queue.store.run('DELETE FROM payload WHERE key = ?', key);
  queue.store.run('UPDATE job SET data = ? WHERE key = ?', data, key);
}

export interface UpdateProgressOptions {
  id: string;
  /** JSON. */
  progress: string;
}

export function updateProgress(queue: QueueState, { id, progress }: UpdateProgressOptions): void {
  queue.store.run('UPDATE job SET progress = ? WHERE key = ?', progress, existingKey(queue, id));
  publish(queue, 'progress', { jobId: id, data: progress });
}

export interface AddLogOptions {
  id: string;
  text: string;
  /** The number of lines to keep; 0: all. */
  keep: number;
}

/**
 * Appends a log line. Returns the number of lines kept. The column `logs` counts all lines ever
 * added.
 */
export function addLog(queue: QueueState, { id, text, keep }: AddLogOptions): number {
  const { store } = queue;
  const key = existingKey(queue, id);
  const next =
    store.row<[number]>('UPDATE job SET logs = logs + 1 WHERE key = ? RETURNING logs', key)?.[0] ?? 1;
  store.run('INSERT INTO log (job, line, text) VALUES (?, ?, ?)', key, next, text);
  if (keep > 0) store.run('DELETE FROM log WHERE job = ? AND line <= ?', key, next - keep);
  return countLogs(queue, key);
}

/** Deletes all log lines of a job except the newest `keep`. */
export function clearLogs(queue: QueueState, id: string, keep: number): void {
  const key = keyOf(queue, id);
  if (key === undefined) return;
  queue.store.run(
    'DELETE FROM log WHERE job = ?1 AND line <= (SELECT logs FROM job WHERE key = ?1) - ?2',
    key,
    keep,
  );
}

function countLogs(queue: QueueState, key: number): number {
  return queue.store.row<[number]>('SELECT count(*) FROM log WHERE job = ?', key)?.[0] ?? 0;
}

export interface GetLogsOptions {
  id: string;
  /** The first and the last line, both inclusive; negative positions count from the end. */
  start: number;
  end: number;
  /** Whether the oldest line is the first one. */
  ascending: boolean;
}

/** Returns a range of a job's log lines, and the number of all of them. */
export function getLogs(
  queue: QueueState,
  { id, start, end, ascending }: GetLogsOptions,
): { logs: string[]; count: number } {
  const key = keyOf(queue, id);
  if (key === undefined) return { logs: [], count: 0 };
  const count = countLogs(queue, key);
  const from = start < 0 ? Math.max(count + start, 0) : start;
  const to = end < 0 ? count + end : end;
  if (to < from) return { logs: [], count };
  const rows = queue.store.rows<[string]>(
    `SELECT text FROM log WHERE job = ? ORDER BY line ${ascending ? 'ASC' : 'DESC'} LIMIT ? OFFSET ?`,
    key,
    to - from + 1,
    from,
  );
  return { logs: rows.map(([text]) => text), count };
}
