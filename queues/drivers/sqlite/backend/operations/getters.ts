import type { JobRow } from '../operation-types.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { JOB_COLUMNS, keyOf, withPayload } from './rows.js';

export function getJob(queue: QueueState, id: string): JobRow | null {
  const row = queue.store.row<JobRow>(
    `SELECT ${JOB_COLUMNS} FROM job WHERE queue = ? AND id = ?`,
    queue.id,
    id,
  );
  return row === undefined ? null : withPayload(queue.store, row);
}

export type StateRow = [state: number, priority: number, returnValue: string | null, reason: string | null];

export function getState(queue: QueueState, id: string): StateRow | null {
  return (
    queue.store.row<StateRow>(
      'SELECT state, priority, return_value, failed_reason FROM job WHERE queue = ? AND id = ?',
      queue.id,
      id,
    ) ?? null
  );
}

/**
 * The states that BullMQ's job types map to, with the condition that tells waiting from prioritized
 * jobs. Jobs of a paused queue are stored as waiting.
 */
const LISTS: Readonly<Record<string, readonly [state: number, condition: string]>> = {
  wait: [STATE.waiting, 'AND score = 0'],
  waiting: [STATE.waiting, 'AND score = 0'],
  prioritized: [STATE.waiting, 'AND score > 0'],
  active: [STATE.active, ''],
  delayed: [STATE.delayed, ''],
  completed: [STATE.completed, ''],
  failed: [STATE.failed, ''],
  'waiting-children': [STATE.waitingChildren, ''],
};
/** BullMQ reverses these lists itself, so it expects the newest job first. */
const NEWEST_FIRST: readonly string[] = ['wait', 'waiting', 'active'];

/** Counts the jobs of each type. `delayedUntil` (Unix milliseconds) restricts delayed jobs. */
export function countJobs(
  queue: QueueState,
  types: readonly string[],
  delayedUntil: number | null,
): number[] {
  const count = (type: string): number => {
    const [state, condition] = LISTS[type] ?? [];
    if (state === undefined || condition === undefined) return 0;
    const until = type === 'delayed' ? (delayedUntil ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
    const row = queue.store.row<[number]>(
      `SELECT count(*) FROM job WHERE queue = ? AND state = ? AND score <= ? ${condition}`,
      queue.id,
      state,
      until,
    );
    return row?.[0] ?? 0;
  };
  return types.map(count);
}

/**
 * Returns when the next `limit` claimable jobs became due, in claim order, in Unix milliseconds.
 */
export function dueTimes(queue: QueueState, limit: number): number[] {
  return queue.store
    .rows<[number]>(
      `SELECT coalesce(due_since, timestamp) FROM job WHERE queue = ? AND state = ${STATE.waiting} ORDER BY score, seq LIMIT ?`,
      queue.id,
      limit,
    )
    .map(([since]) => since);
}

/** Counts delayed jobs that are not due yet, and those of them that have failed before. */
export function countDelayed(queue: QueueState, now: number): { all: number; retries: number } {
  const [all = 0, retries = 0] =
    queue.store.row<[number, number]>(
      `SELECT count(*), count(CASE WHEN attempts_made > 0 THEN 1 END) FROM job
       WHERE queue = ? AND state = ${STATE.delayed} AND score > ?`,
      queue.id,
      now,
    ) ?? [];
  return { all, retries };
}

export function countPerPriority(queue: QueueState, priorities: readonly number[]): number[] {
  return priorities.map(
    (priority) =>
      queue.store.row<[number]>(
        `SELECT count(*) FROM job WHERE queue = ? AND state = ${STATE.waiting} AND score = ?`,
        queue.id,
        priority,
      )?.[0] ?? 0,
  );
}

export interface GetRangesOptions {
  /** BullMQ's types of jobs. */
  types: readonly string[];
  /** The first and the last position, both inclusive; a negative `end` means all. */
  start: number;
  end: number;
  ascending: boolean;
}

/** Returns one list of job ids per type. */
export function getRanges(queue: QueueState, { types, start, end, ascending }: GetRangesOptions): string[][] {
  return types.map((type) => {
    const list = LISTS[type];
    if (list === undefined) return [];
    const [state, condition] = list;
    const first = Math.max(0, start);
    if (end >= 0 && end < first) return [];
    const newestFirst = NEWEST_FIRST.includes(type) || !ascending;
    const direction = newestFirst && type !== 'waiting-children' ? 'DESC' : 'ASC';
    const rows = queue.store.rows<[string]>(
      `SELECT id FROM job WHERE queue = ? AND state = ? ${condition}
       ORDER BY score ${direction}, seq ${direction} LIMIT ? OFFSET ?`,
      queue.id,
      state,
      end < 0 ? -1 : end - first + 1,
      first,
    );
    return rows.map(([id]) => id);
  });
}

export type DependencyRow = [status: number, childKey: string, value: string | null];

export interface GetDependenciesOptions {
  /** The parent. */
  id: string;
  /** A value of `DEPENDENCY`; null: the children of every status. */
  status: number | null;
  offset: number;
  /** -1: no limit. */
  limit: number;
}

/** Returns a page of a job's children. */
export function getDependencies(
  queue: QueueState,
  { id, status, offset, limit }: GetDependenciesOptions,
): DependencyRow[] {
  const key = keyOf(queue, id);
  if (key === undefined) return [];
  return queue.store.rows<DependencyRow>(
    `SELECT status, child_key, value FROM dependency WHERE parent = ? AND ${status === null ? '? IS NULL' : 'status = ?'}
     ORDER BY child_id LIMIT ? OFFSET ?`,
    key,
    status,
    limit,
    offset,
  );
}

/** Counts the children of a job by status; the positions are the values of `DEPENDENCY`. */
export function countDependencies(queue: QueueState, id: string): number[] {
  const counts = Object.values(DEPENDENCY).map(() => 0);
  const key = keyOf(queue, id);
  if (key === undefined) return counts;
  const rows = queue.store.rows<[status: number, count: number]>(
    'SELECT status, count(*) FROM dependency WHERE parent = ? GROUP BY status',
    key,
  );
  for (const [status, count] of rows) counts[status] = count;
  return counts;
}

export interface PageOfChildrenOptions extends GetDependenciesOptions {
  status: number;
  /** Whether to read the children's jobs, too. */
  withJobs: boolean;
}

/** Returns one page of a job's children of one status, and the number of all of them. */
export function pageOfChildren(
  queue: QueueState,
  { withJobs, ...page }: PageOfChildrenOptions,
): { total: number; items: DependencyRow[]; jobs: JobRow[] } {
  const total = countDependencies(queue, page.id)[page.status] ?? 0;
  const items = getDependencies(queue, page);
  const jobs: JobRow[] = [];
  if (withJobs) {
    for (const [, key] of items) {
      const at = key.indexOf(':');
      const job = getJob(queue.store.queue(key.slice(0, at)), key.slice(at + 1));
      if (job !== null) jobs.push(job);
    }
  }
  return { total, items, jobs };
}
