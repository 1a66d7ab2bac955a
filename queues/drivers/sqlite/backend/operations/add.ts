import type { JobToAdd } from '../operation-types.js';
import { type OperationRefusalCode, REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { deduplicate } from './dedup.js';
import { addDependency } from './dependencies.js';
import { publish } from './events.js';
import { keyOf, releaseParent } from './rows.js';

/**
 * Longer inputs are stored in the table `payload`, so that the row, which every transition
 * rewrites, fits a page.
 */
const MAX_INLINE = 2000;

const INSERT = `
INSERT INTO job (queue, id, state, score, seq, name, data, opts, priority, delay, timestamp, dedup_id, scheduler_id,
  parent_queue, parent_id, parent_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (queue, id) DO NOTHING`;

/** Adds a job, or handles it as a duplicate. Returns the id of the resulting job. */
export function addJob(queue: QueueState, job: JobToAdd): string {
  const added = add(queue, job, null);
  if (typeof added === 'number') throw new Refusal(added);
  return added;
}

/** Adds all jobs or none. */
export function addJobs(queue: QueueState, jobs: readonly JobToAdd[]): string[] {
  return jobs.map((job) => addJob(queue, job));
}

/**
 * Adds jobs with explicit ids and no parents, all or none. Returns for each whether it was new in
 * this queue and in the queues `others`.
 */
export function addNewJobs(
  queue: QueueState,
  jobs: readonly JobToAdd[],
  others: readonly string[],
): boolean[] {
  const rest = others.map((name) => queue.store.queue(name));
  return jobs.map(
    (job) => rest.every((other) => keyOf(other, job.id) === undefined) && insert(queue, job.id, job),
  );
}

/**
 * Adds a tree of jobs across queues, parents first. Returns per entry the job's id, or the reason
 * why it was not added. A parent whose children had all ended before is released only when the
 * whole tree has been added.
 */
export function addFlow(
  queue: QueueState,
  entries: readonly { queue: string; job: JobToAdd }[],
  now: number,
): (string | OperationRefusalCode)[] {
  const { store } = queue;
  const parents = new Map<string, { queue: string; id: string }>();
  const ids = entries.map((entry) => add(store.queue(entry.queue), entry.job, parents));
  entries.forEach(({ job }, at) => {
    if (ids[at] === REFUSAL.parentCannotBeReplaced && job.parent !== undefined)
      parents.delete(`${job.parent.queue}:${job.parent.id}`);
  });
  for (const parent of parents.values()) {
    const parentQueue = store.queue(parent.queue);
    const pending = store.row<[number]>(
      'SELECT pending FROM job WHERE queue = ? AND id = ?',
      parentQueue.id,
      parent.id,
    );
    if (pending?.[0] === 0) releaseParent(parentQueue, parent.id, now);
  }
  return ids;
}

/**
 * Adds one job. With `parents`, affected parents are recorded there and the caller releases them;
 * with null they are released at once.
 */
function add(
  queue: QueueState,
  job: JobToAdd,
  parents: Map<string, { queue: string; id: string }> | null,
): string | OperationRefusalCode {
  const { store } = queue;
  const { parent } = job;
  const parentKey = parent === undefined ? undefined : keyOf(store.queue(parent.queue), parent.id);
  if (parent !== undefined && parentKey === undefined) return REFUSAL.missingParent;
  const id = job.id === '' ? queue.nextJobId() : job.id;
  if (job.dedup !== undefined) {
    const winner = deduplicate(queue, job.dedup, id, job);
    if (winner !== null) return winner;
  }
  if (parent !== undefined) parents?.set(`${parent.queue}:${parent.id}`, parent);
  if (!insert(queue, id, job))
    return handleDuplicate(queue, id, job, { parentKey, isReleasedLater: parents !== null });
  if (parentKey !== undefined)
    addDependency(queue, { id, parentKey, status: DEPENDENCY.pending, value: null });
  return id;
}

/** Inserts a job. Returns false when a job with that id exists. */
export function insert(queue: QueueState, id: string, job: JobToAdd): boolean {
  const { store } = queue;
  const until = job.timestamp + job.delay;
  const state =
    job.waitsForChildren === true ? STATE.waitingChildren : job.delay > 0 ? STATE.delayed : STATE.waiting;
  const seq = store.nextSeq();
  const isSeparate = job.data.length > MAX_INLINE;
  const inserted = store.run(
    INSERT,
    queue.id,
    id,
    state,
    state === STATE.delayed ? until : state === STATE.waiting ? job.priority : 0,
    job.lifo === true ? -seq : seq,
    job.name,
    isSeparate ? null : job.data,
    job.opts,
    job.priority,
    job.delay,
    job.timestamp,
    job.dedup?.id ?? null,
    job.schedulerId ?? null,
    job.parent?.queue ?? null,
    job.parent?.id ?? null,
    job.parent?.key ?? null,
  );
  if (inserted === 0) return false;
  if (isSeparate)
    store.run(
      'INSERT INTO payload (key, data) VALUES ((SELECT key FROM job WHERE queue = ? AND id = ?), ?)',
      queue.id,
      id,
      job.data,
    );
  if (state === STATE.waiting) queue.wake();
  else if (state === STATE.delayed) {
    queue.delayed(until);
    queue.wake(until);
  }
  if (store.keepsEvents) announce(queue, id, job, state);
  return true;
}

function announce(queue: QueueState, jobId: string, job: JobToAdd, state: number): void {
  publish(queue, 'added', { jobId, name: job.name });
  if (state === STATE.delayed) publish(queue, 'delayed', { jobId, delay: job.timestamp + job.delay });
  else publish(queue, state === STATE.waitingChildren ? 'waiting-children' : 'waiting', { jobId });
}

/**
 * Handles the add of an existing job: it is not added again, but gets a new parent when its own no
 * longer exists.
 */
function handleDuplicate(
  queue: QueueState,
  id: string,
  { parent, timestamp }: JobToAdd,
  { parentKey, isReleasedLater }: { parentKey: number | undefined; isReleasedLater: boolean },
): string | OperationRefusalCode {
  const { store } = queue;
  if (parent !== undefined && parentKey !== undefined) {
    const [key = 0, oldQueue = null, oldId = null, state = 0, value = null] =
      store.row<[number, string | null, string | null, number, string | null]>(
        'SELECT key, parent_queue, parent_id, state, return_value FROM job WHERE queue = ? AND id = ?',
        queue.id,
        id,
      ) ?? [];
    const isOther = oldQueue !== null && oldId !== null && (oldQueue !== parent.queue || oldId !== parent.id);
    if (isOther && keyOf(store.queue(oldQueue), oldId) !== undefined) return REFUSAL.parentCannotBeReplaced;
    const isCompleted = state === STATE.completed;
    const status = isCompleted ? DEPENDENCY.processed : DEPENDENCY.pending;
    addDependency(queue, { id, parentKey, status, value });
    store.run(
      'UPDATE job SET parent_queue = ?, parent_id = ?, parent_key = ? WHERE key = ?',
      parent.queue,
      parent.id,
      parent.key,
      key,
    );
    if (isCompleted && !isReleasedLater) {
      const pending = store.row<[number]>('SELECT pending FROM job WHERE key = ?', parentKey)?.[0];
      if (pending === 0) releaseParent(store.queue(parent.queue), parent.id, timestamp);
    }
  }
  publish(queue, 'duplicated', { jobId: id });
  return id;
}
