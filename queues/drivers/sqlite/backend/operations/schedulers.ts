import type { JobToAdd } from '../operation-types.js';
import { REFUSAL, Refusal } from '../refusal.js';
import { STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { insert } from './add.js';
import { publish } from './events.js';
import { deleteJob, keyOf } from './rows.js';

/**
 * The next runs of an interval may collide with retained runs of an earlier scheduler with the same
 * id. This is the largest number of slots to try.
 */
const MAX_SLOTS = 32;

/** The repeat options of a scheduler, as BullMQ passes them. */
export interface RepeatOptions {
  name?: string;
  tz?: string;
  pattern?: string;
  every?: number;
  offset?: number | null;
  startDate?: number;
  endDate?: number;
  limit?: number;
}

/** The options of a single run. */
export interface RunOptions {
  priority?: number;
  timestamp?: number;
  repeat?: { offset?: number | null; every?: number };
  [option: string]: unknown;
}

export type SchedulerRow = [
  name: string | null,
  nextRun: number | null,
  pattern: string | null,
  every: number | null,
  tz: string | null,
  startDate: number | null,
  endDate: number | null,
  limit: number | null,
  iterations: number,
  offset: number | null,
  data: string | null,
  opts: string | null,
];
const COLUMNS =
  'name, next_run, pattern, every, tz, start_date, end_date, run_limit, iterations, offset, template_data, template_opts';

export function getScheduler(queue: QueueState, id: string): SchedulerRow | undefined {
  return queue.store.row<SchedulerRow>(
    `SELECT ${COLUMNS} FROM scheduler WHERE queue = ? AND id = ?`,
    queue.id,
    id,
  );
}

function runId(schedulerId: string, at: number): string {
  return `repeat:${schedulerId}:${at}`;
}

/** Returns the next run of a fixed interval, and its offset from the multiples of that interval. */
function nextOfInterval(
  previous: number | null,
  every: number,
  now: number,
  offset: number,
  startDate: number | null,
): [next: number, offset: number] {
  const slot = Math.floor(now / every) * every + offset;
  const nextSlot = slot <= now ? slot + every : slot;
  let next: number;
  if (previous !== null) next = previous + every < now ? nextSlot : previous + every;
  else if (startDate !== null) next = Math.max(startDate, now);
  else next = offset > 0 ? nextSlot : now;
  return [next, offset === 0 ? next - Math.floor(next / every) * every : offset];
}

/**
 * Stores a scheduler and its next run, replacing a run that has not begun. Returns the run's id and
 * delay in milliseconds.
 */
export function upsertScheduler(
  queue: QueueState,
  id: string,
  nextMillis: number,
  templateData: string,
  templateOpts: string,
  options: RepeatOptions,
  run: RunOptions,
  now: number,
): [jobId: string, delay: number] {
  const { store } = queue;
  const existing = getScheduler(queue, id);
  const previous = existing?.[1] ?? null;
  const every = options.every ?? null;
  const givenOffset = options.offset ?? run.repeat?.offset;
  let next = nextMillis;
  let offset = givenOffset ?? 0;
  const isOtherInterval = every !== null && previous !== null && existing?.[3] !== every;
  if (every !== null) {
    const from = isOtherInterval ? null : previous;
    [next, offset] = nextOfInterval(from, every, now, offset, options.startDate ?? null);
    if (givenOffset == null) offset = existing?.[9] ?? offset;
  }
  const replaced = previous !== null && dropRun(queue, runId(id, previous), [STATE.delayed, STATE.waiting]);
  if (replaced && every !== null && !isOtherInterval && previous !== null) next = previous;

  let jobId = runId(id, next);
  if (keyOf(queue, jobId) !== undefined) {
    if (every !== null) {
      for (let slots = 0; keyOf(queue, jobId) !== undefined; slots++) {
        if (slots === MAX_SLOTS) throw new Refusal(REFUSAL.schedulerSlotsBusy);
        next += every;
        jobId = runId(id, next);
      }
    } else if (!replaced) throw new Refusal(REFUSAL.schedulerIdCollision);
    else dropRun(queue, jobId, Object.values(STATE));
  }
  store.run(
    `INSERT OR REPLACE INTO scheduler (queue, id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    queue.id,
    id,
    options.name ?? null,
    next,
    options.pattern ?? null,
    every,
    options.tz ?? null,
    options.startDate ?? null,
    options.endDate ?? null,
    options.limit ?? null,
    existing?.[8] ?? 1,
    offset,
    templateData,
    templateOpts,
  );
  const delay = Math.max(next - now, 0);
  insert(queue, jobId, toRun(id, jobId, options.name ?? '', templateData, run, delay, now));
  return [jobId, delay];
}

/**
 * Adds the run that follows `producerId`. Returns its id, or null when `producerId` is not the
 * scheduler's newest run, the scheduler does not exist, or the run already exists.
 */
export function advanceScheduler(
  queue: QueueState,
  id: string,
  nextMillis: number,
  templateData: string,
  run: RunOptions,
  producerId: string | null,
  now: number,
): string | null {
  const scheduler = getScheduler(queue, id);
  if (scheduler === undefined) return null;
  const [name, previous, , storedEvery, , startDate, , , , storedOffset, storedData] = scheduler;
  const every = storedEvery ?? run.repeat?.every ?? null;
  let next = nextMillis;
  let offset = storedOffset;
  if (every !== null) {
    const from = storedOffset ?? run.repeat?.offset ?? 0;
    const [at, itsOffset] = nextOfInterval(previous, every, now, from, startDate);
    next = at;
    offset ??= itsOffset;
  }
  if (previous === null || producerId !== runId(id, previous)) return null;
  const jobId = runId(id, next);
  if (keyOf(queue, jobId) !== undefined) {
    publish(queue, 'duplicated', { jobId });
    return null;
  }
  const isGiven = templateData !== '' && templateData !== '{}';
  queue.store.run(
    `UPDATE scheduler SET next_run = ?, iterations = iterations + 1, offset = ?, template_data = ?
     WHERE queue = ? AND id = ?`,
    next,
    offset,
    isGiven ? templateData : storedData,
    queue.id,
    id,
  );
  const data = storedData !== null && storedData !== '{}' ? storedData : templateData || '{}';
  insert(queue, jobId, toRun(id, jobId, name ?? '', data, run, Math.max(next - now, 0), now));
  return jobId;
}

function toRun(
  schedulerId: string,
  jobId: string,
  name: string,
  data: string,
  run: RunOptions,
  delay: number,
  now: number,
): JobToAdd {
  return {
    id: jobId,
    name,
    data,
    opts: JSON.stringify({ ...run, delay, jobId }),
    priority: run.priority ?? 0,
    delay,
    timestamp: now,
    schedulerId,
  };
}

function dropRun(queue: QueueState, jobId: string, states: readonly number[]): boolean {
  const found = queue.store.row<[key: number, state: number]>(
    'SELECT key, state FROM job WHERE queue = ? AND id = ?',
    queue.id,
    jobId,
  );
  if (found === undefined || !states.includes(found[1])) return false;
  queue.delayedLeft();
  return deleteJob(queue.store, found[0]);
}

/**
 * Removes a scheduler, and its next run if that is delayed. Returns false when the scheduler did
 * not exist.
 */
export function removeScheduler(queue: QueueState, id: string): boolean {
  const next = getScheduler(queue, id)?.[1];
  if (next != null && dropRun(queue, runId(id, next), [STATE.delayed]))
    publish(queue, 'removed', { jobId: runId(id, next), prev: 'delayed' });
  return queue.store.run('DELETE FROM scheduler WHERE queue = ? AND id = ?', queue.id, id) > 0;
}

/**
 * Lists schedulers by their next run, from position `start` to `end`; a negative `end` means all.
 */
export function listSchedulers(
  queue: QueueState,
  start: number,
  end: number,
  ascending: boolean,
): [id: string, nextRun: number][] {
  const direction = ascending ? 'ASC' : 'DESC';
  return queue.store.rows(
    `SELECT id, next_run FROM scheduler WHERE queue = ? ORDER BY next_run ${direction}, id LIMIT ? OFFSET ?`,
    queue.id,
    end < 0 ? -1 : end - start + 1,
    start,
  );
}

export function countSchedulers(queue: QueueState): number {
  return queue.store.row<[number]>('SELECT count(*) FROM scheduler WHERE queue = ?', queue.id)?.[0] ?? 0;
}
