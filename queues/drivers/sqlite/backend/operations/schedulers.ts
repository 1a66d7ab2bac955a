import { REFUSAL, Refusal } from '../refusal.js';
import { STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { insert } from './add.js';
import { publish } from './events.js';
import { deleteJob, keyOf } from './rows.js';
import {
  type NextRunOptions,
  nextOfInterval,
  planRun,
  type RunOptions,
  type Scheduler,
} from './scheduler-times.js';

/**
 * The next runs of an interval may collide with retained runs of an earlier scheduler with the same
 * id. This is the largest number of slots to try.
 */
const MAX_SLOTS = 32;

const COLUMNS =
  'name, next_run, pattern, every, tz, start_date, end_date, run_limit, iterations, offset, template_data, template_opts';

type SchedulerRow = [
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

export function getScheduler(queue: QueueState, id: string): Scheduler | undefined {
  const row = queue.store.row<SchedulerRow>(
    `SELECT ${COLUMNS} FROM scheduler WHERE queue = ? AND id = ?`,
    queue.id,
    id,
  );
  if (row === undefined) return undefined;
  const [name, nextRun, pattern, every, tz, startDate, endDate, limit, iterations, offset, data, opts] = row;
  return { name, nextRun, pattern, every, tz, startDate, endDate, limit, iterations, offset, data, opts };
}

function runId(schedulerId: string, at: number): string {
  return `repeat:${schedulerId}:${at}`;
}

export interface UpsertSchedulerOptions extends NextRunOptions {
  id: string;
  /** The data of the runs. JSON. */
  templateData: string;
  /** The options of the runs as they were given. JSON. */
  templateOpts: string;
}

/**
 * Stores a scheduler and its next run, replacing a run that has not begun. Returns the run's id and
 * delay in milliseconds.
 */
export function upsertScheduler(
  queue: QueueState,
  options: UpsertSchedulerOptions,
): [jobId: string, delay: number] {
  const { id, templateData, templateOpts, repeat, run, now } = options;
  const existing = getScheduler(queue, id);
  const previous = existing?.nextRun ?? null;
  const every = repeat.every ?? null;
  const plan = planRun(existing, options);
  const isReplaced = previous !== null && dropRun(queue, runId(id, previous), [STATE.delayed, STATE.waiting]);
  const wanted = isReplaced && plan.continuesInterval ? previous : plan.next;
  const next = freeSlot(queue, { id, wanted, every, isReplaced });
  queue.store.run(
    `INSERT OR REPLACE INTO scheduler (queue, id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    queue.id,
    id,
    repeat.name ?? null,
    next,
    repeat.pattern ?? null,
    every,
    repeat.tz ?? null,
    repeat.startDate ?? null,
    repeat.endDate ?? null,
    repeat.limit ?? null,
    existing?.iterations ?? 1,
    plan.offset,
    templateData,
    templateOpts,
  );
  const jobId = addRun(queue, { id, at: next, name: repeat.name ?? '', data: templateData, run, now });
  return [jobId, delayOf(next, now)];
}

interface WantedSlot {
  id: string;
  wanted: number;
  every: number | null;
  /** Whether this run replaces one that has not begun. */
  isReplaced: boolean;
}

/**
 * Returns the wanted time of a run, or a later one of the interval if the scheduler has a run then.
 */
function freeSlot(queue: QueueState, { id, wanted, every, isReplaced }: WantedSlot): number {
  if (keyOf(queue, runId(id, wanted)) === undefined) return wanted;
  if (every === null) {
    if (!isReplaced) throw new Refusal(REFUSAL.schedulerIdCollision);
    dropRun(queue, runId(id, wanted), Object.values(STATE));
    return wanted;
  }
  for (let slot = 1; slot <= MAX_SLOTS; slot++) {
    const at = wanted + slot * every;
    if (keyOf(queue, runId(id, at)) === undefined) return at;
  }
  throw new Refusal(REFUSAL.schedulerSlotsBusy);
}

export interface AdvanceSchedulerOptions {
  id: string;
  /** When the next run of a pattern is due. That of an interval is computed here. */
  nextMillis: number;
  /** The data of the run, unless the scheduler has its own. JSON. */
  templateData: string;
  run: RunOptions;
  /** The run that this one follows. */
  producerId: string | null;
  now: number;
}

/**
 * Adds the run that follows `producerId`. Returns its id, or null when `producerId` is not the
 * scheduler's newest run, the scheduler does not exist, or the run already exists.
 */
export function advanceScheduler(
  queue: QueueState,
  { id, nextMillis, templateData, run, producerId, now }: AdvanceSchedulerOptions,
): string | null {
  const scheduler = getScheduler(queue, id);
  if (scheduler === undefined) return null;
  const { nextRun: previous, startDate } = scheduler;
  if (previous === null || producerId !== runId(id, previous)) return null;
  const every = scheduler.every ?? run.repeat?.every ?? null;
  let next = nextMillis;
  let { offset } = scheduler;
  if (every !== null) {
    const from = offset ?? run.repeat?.offset ?? 0;
    const interval = nextOfInterval({ previous, every, offset: from, startDate, now });
    next = interval.next;
    offset ??= interval.offset;
  }
  if (keyOf(queue, runId(id, next)) !== undefined) {
    publish(queue, 'duplicated', { jobId: runId(id, next) });
    return null;
  }
  const isGiven = templateData !== '' && templateData !== '{}';
  queue.store.run(
    `UPDATE scheduler SET next_run = ?, iterations = iterations + 1, offset = ?, template_data = ?
     WHERE queue = ? AND id = ?`,
    next,
    offset,
    isGiven ? templateData : scheduler.data,
    queue.id,
    id,
  );
  const stored = scheduler.data ?? '{}';
  const data = stored !== '{}' ? stored : templateData || '{}';
  return addRun(queue, { id, at: next, name: scheduler.name ?? '', data, run, now });
}

interface SchedulerRun {
  /** The id of the scheduler. */
  id: string;
  at: number;
  name: string;
  /** JSON. */
  data: string;
  run: RunOptions;
  now: number;
}

/** Adds a run of a scheduler. Returns the id of its job. */
function addRun(queue: QueueState, { id, at, name, data, run, now }: SchedulerRun): string {
  const jobId = runId(id, at);
  const delay = delayOf(at, now);
  insert(queue, jobId, {
    id: jobId,
    name,
    data,
    opts: JSON.stringify({ ...run, delay, jobId }),
    priority: run.priority ?? 0,
    delay,
    timestamp: now,
    schedulerId: id,
  });
  return jobId;
}

function delayOf(at: number, now: number): number {
  return Math.max(at - now, 0);
}

function dropRun(queue: QueueState, jobId: string, states: readonly number[]): boolean {
  const [key, state] =
    queue.store.row<[key: number, state: number]>(
      'SELECT key, state FROM job WHERE queue = ? AND id = ?',
      queue.id,
      jobId,
    ) ?? [];
  if (key === undefined || state === undefined || !states.includes(state)) return false;
  queue.delayedLeft();
  return deleteJob(queue.store, key);
}

/**
 * Removes a scheduler, and its next run if that is delayed. Returns false when the scheduler did
 * not exist.
 */
export function removeScheduler(queue: QueueState, id: string): boolean {
  const next = getScheduler(queue, id)?.nextRun;
  if (next != null && dropRun(queue, runId(id, next), [STATE.delayed]))
    publish(queue, 'removed', { jobId: runId(id, next), prev: 'delayed' });
  return queue.store.run('DELETE FROM scheduler WHERE queue = ? AND id = ?', queue.id, id) > 0;
}

export interface ListSchedulersOptions {
  /** The first and the last position, both inclusive; a negative `end` means all. */
  start: number;
  end: number;
  ascending: boolean;
}

/** Lists schedulers by their next run. */
export function listSchedulers(
  queue: QueueState,
  { start, end, ascending }: ListSchedulersOptions,
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
