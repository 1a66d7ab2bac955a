import { REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE, STATE_NAMES } from '../schema.js';
import type { QueueState } from '../store.js';
import { removeDedupOf } from './dedup.js';
import {
  forgetDependency,
  type ParentLink,
  releaseParentsOfRemoved,
  resolveDependency,
} from './dependencies.js';
import { publish } from './events.js';
import { deleteJob } from './rows.js';

type Removable = [
  key: number,
  id: string,
  state: number,
  token: string | null,
  lockedUntil: number | null,
  dedupId: string | null,
  schedulerId: string | null,
  parentQueue: string | null,
  parentId: string | null,
];
const COLUMNS = 'key, id, state, lock_token, locked_until, dedup_id, scheduler_id, parent_queue, parent_id';

function find(queue: QueueState, id: string): Removable | undefined {
  return queue.store.row<Removable>(`SELECT ${COLUMNS} FROM job WHERE queue = ? AND id = ?`, queue.id, id);
}

/** Yields all descendants of a job. Jobs of a flow may belong to different queues. */
function* descend(
  queue: QueueState,
  key: number,
  only: 'pending' | 'all',
): Generator<{ queue: QueueState; job: Removable }> {
  const { store } = queue;
  const children = store.rows<[string, string]>(
    `SELECT child_queue, child_id FROM dependency WHERE parent = ? ${only === 'all' ? '' : `AND status = ${DEPENDENCY.pending}`}`,
    key,
  );
  for (const [name, id] of children) {
    const childQueue = store.queue(name);
    const job = find(childQueue, id);
    if (job === undefined) continue;
    yield { queue: childQueue, job };
    const [jobKey] = job;
    yield* descend(childQueue, jobKey, only);
  }
}

function isLocked([, , , token, lockedUntil]: Removable, now: number): boolean {
  return token !== null && lockedUntil !== null && lockedUntil > now;
}

/** Deletes a job and its deduplication key, and invalidates the cached due time. */
function erase(queue: QueueState, [key, id, state, , , dedupId]: Removable): void {
  if (dedupId !== null) removeDedupOf(queue, { dedupId, jobId: id, now: 0 });
  if (state === STATE.delayed) queue.delayedLeft();
  deleteJob(queue.store, key);
}

export interface RemoveOptions {
  id: string;
  /** Whether to remove all descendants of the job, too. */
  removeChildren: boolean;
  now: number;
}

/**
 * Removes a job. Removes nothing when it or a descendant to be removed is locked by a worker.
 * Returns the number of removed jobs.
 */
export function remove(queue: QueueState, { id, removeChildren, now }: RemoveOptions): number {
  const job = find(queue, id);
  if (job === undefined) return 0;
  const [key, , state, , , , schedulerId, parentQueue, parentId] = job;
  if (schedulerId !== null) throw new Refusal(REFUSAL.belongsToScheduler);
  if (isLocked(job, now)) return 0;
  if (removeChildren) {
    for (const each of descend(queue, key, 'pending')) if (isLocked(each.job, now)) return 0;
  }
  if (parentQueue !== null && parentId !== null)
    resolveDependency(queue, { id, parent: { queue: parentQueue, id: parentId }, outcome: null, now });
  const below = removeChildren ? [...descend(queue, key, 'all')] : [];
  erase(queue, job);
  publish(queue, 'removed', { jobId: id, prev: STATE_NAMES[state] });
  for (const { queue: childQueue, job: child } of below) {
    const [, childId, childState] = child;
    erase(childQueue, child);
    publish(childQueue, 'removed', { jobId: childId, prev: STATE_NAMES[childState] });
  }
  return 1 + below.length;
}

/** Removes those descendants of a job that no worker has begun and that have not ended. */
export function removeUnprocessedChildren(queue: QueueState, id: string): void {
  const job = find(queue, id);
  if (job === undefined) return;
  const [key] = job;
  for (const { queue: childQueue, job: child } of [...descendUnprocessed(queue, key)]) {
    const [, childId, state, , , , , parentQueue, parentId] = child;
    if (parentQueue !== null && parentId !== null)
      forgetDependency(childQueue, childId, { queue: parentQueue, id: parentId });
    erase(childQueue, child);
    publish(childQueue, 'removed', { jobId: childId, prev: STATE_NAMES[state] });
  }
}

function* descendUnprocessed(
  queue: QueueState,
  key: number,
): Generator<{ queue: QueueState; job: Removable }> {
  const children = queue.store.rows<[string, string]>(
    `SELECT child_queue, child_id FROM dependency WHERE parent = ? AND status = ${DEPENDENCY.pending}`,
    key,
  );
  for (const [name, id] of children) {
    const childQueue = queue.store.queue(name);
    const job = find(childQueue, id);
    if (job === undefined) continue;
    const [jobKey, , state, token] = job;
    const isWaiting = state === STATE.waiting || state === STATE.delayed || state === STATE.waitingChildren;
    if (token !== null || !isWaiting) continue;
    yield { queue: childQueue, job };
    yield* descendUnprocessed(childQueue, jobKey);
  }
}

/** Removes jobs, and releases or removes their parents. */
function removeAll(queue: QueueState, jobs: readonly Removable[]): void {
  const parents = new Map<string, ParentLink>();
  for (const job of jobs) {
    const [, id, , , , , , parentQueue, parentId] = job;
    if (parentQueue !== null && parentId !== null) {
      const parent = { queue: parentQueue, id: parentId };
      forgetDependency(queue, id, parent);
      parents.set(`${parentQueue}:${parentId}`, parent);
    }
    erase(queue, job);
  }
  releaseParentsOfRemoved(queue, parents.values());
}

/**
 * Removes all waiting jobs, and with `delayed` also delayed ones. The next runs of job schedulers
 * stay.
 */
export function drain(queue: QueueState, delayed: boolean): void {
  const states = delayed ? [STATE.waiting, STATE.delayed] : [STATE.waiting];
  for (const state of states) {
    removeAll(
      queue,
      queue.store.rows<Removable>(
        `SELECT ${COLUMNS} FROM job WHERE queue = ? AND state = ? AND scheduler_id IS NULL`,
        queue.id,
        state,
      ),
    );
  }
}

/** The jobs that each type of `clean` selects: a state, and a condition within it. */
const CLEANED: Readonly<Record<string, readonly [state: number, condition: string]>> = {
  completed: [STATE.completed, 'finished_on <= ?'],
  failed: [STATE.failed, 'finished_on <= ?'],
  delayed: [STATE.delayed, 'timestamp <= ? AND scheduler_id IS NULL'],
  active: [STATE.active, 'timestamp <= ? AND scheduler_id IS NULL'],
  prioritized: [STATE.waiting, 'timestamp <= ? AND score > 0 AND scheduler_id IS NULL'],
  wait: [STATE.waiting, 'timestamp <= ? AND score = 0 AND scheduler_id IS NULL'],
  waiting: [STATE.waiting, 'timestamp <= ? AND score = 0 AND scheduler_id IS NULL'],
  paused: [STATE.waiting, 'timestamp <= ? AND score = 0 AND scheduler_id IS NULL'],
};

export interface CleanOptions {
  /** BullMQ's type of the jobs. */
  type: string;
  /** Newer jobs are left: those that ended later, or were added later if they have not ended. */
  until: number;
  /** The largest number of jobs to remove; 0: all. */
  limit: number;
  now: number;
}

/** Removes the oldest jobs of a type. Returns their ids. */
export function clean(queue: QueueState, { type, until, limit, now }: CleanOptions): string[] {
  const place = CLEANED[type];
  if (place === undefined) return [];
  const [state, condition] = place;
  const found = queue.store.rows<Removable>(
    `SELECT ${COLUMNS} FROM job WHERE queue = ? AND state = ? AND ${condition} ORDER BY score, seq LIMIT ?`,
    queue.id,
    state,
    until,
    limit > 0 ? limit : -1,
  );
  // A locked job belongs to its worker, regardless of its age.
  const jobs = state === STATE.active ? found.filter((job) => !isLocked(job, now)) : found;
  removeAll(queue, jobs);
  if (jobs.length > 0) publish(queue, 'cleaned', { count: String(jobs.length) });
  return jobs.map(([, id]) => id);
}

/** The tables with rows per queue, besides `job`. */
const TABLES = ['scheduler', 'rate_limit', 'event', 'metrics', 'dedup', 'meta'] as const;

/**
 * Removes a queue and all of its rows, up to `count` jobs per call. Returns 0 when done, 1 while
 * jobs remain, -1 when the queue is not paused, -2 when jobs are active.
 */
export function obliterate(queue: QueueState, count: number, force: boolean): number {
  const { store } = queue;
  if (!queue.isPaused) return -1;
  const active = store.row(`SELECT 1 FROM job WHERE queue = ? AND state = ${STATE.active} LIMIT 1`, queue.id);
  if (!force && active !== undefined) return -2;
  const jobs = store.rows<[number]>('SELECT key FROM job WHERE queue = ? LIMIT ?', queue.id, count);
  for (const [key] of jobs) deleteJob(store, key);
  queue.delayedLeft();
  if (jobs.length >= count) return 1;
  for (const meta of [...queue.meta.keys()]) queue.removeMeta(meta);
  for (const table of TABLES) store.run(`DELETE FROM ${table} WHERE queue = ?`, queue.id);
  store.run('UPDATE queue SET last_job_id = 0 WHERE id = ?', queue.id);
  return 0;
}
