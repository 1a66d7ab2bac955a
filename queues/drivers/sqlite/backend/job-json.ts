import type { JobJson, JobsOptions, KeepJobs, ParentKeyOpts } from 'bullmq';
import type { Deduplication, JobRow, JobToAdd, Retention } from './operation-types.js';

/** Converts a row to the shape that BullMQ's classes read. Fields without a value stay absent. */
export function toJobJson(row: JobRow): JobJson {
  const [, id, name, data, opts, priority, delay, timestamp, attemptsMade, attemptsStarted, stalledCounter] =
    row;
  const [processedOn, processedBy, finishedOn, progress, returnvalue, failedReason, stacktrace] = row.slice(
    11,
  ) as Tail;
  const [deferredFailure, deduplicationId, repeatJobKey, parentQueue, parentId, parentKey] = row.slice(
    18,
  ) as Links;
  const json: JobJson = {
    id,
    name,
    data: data ?? '{}',
    opts: JSON.parse(opts) as JobsOptions,
    progress: progress === null ? 0 : JSON.parse(progress),
    attemptsMade,
    attemptsStarted,
    stalledCounter,
    timestamp,
    delay,
    priority,
    // The defaults that BullMQ's own backends return for absent fields.
    failedReason: failedReason ?? '',
    stacktrace: stacktrace ?? '[]',
    returnvalue: returnvalue ?? 'null',
  };
  if (processedOn !== null) json.processedOn = processedOn;
  if (processedBy !== null) json.processedBy = processedBy;
  if (finishedOn !== null) json.finishedOn = finishedOn;
  if (deferredFailure !== null) json.deferredFailure = deferredFailure;
  if (deduplicationId !== null) json.deduplicationId = deduplicationId;
  if (repeatJobKey !== null) json.repeatJobKey = repeatJobKey;
  if (parentId !== null) json.parent = { id: parentId, queueKey: parentQueue ?? '' };
  if (parentKey !== null) json.parentKey = parentKey;
  return json;
}

type Tail = [
  number | null,
  string | null,
  number | null,
  string | null,
  string | null,
  string | null,
  string | null,
];
type Links = [string | null, string | null, string | null, string | null, string | null, string | null];

/**
 * Converts a job for `addJob`. Optional fields without a value are omitted, because each field adds
 * to the cost of sending the job to the thread.
 */
export function toNewJob(job: JobJson, jobId: string, parentKeyOpts: ParentKeyOpts = {}): JobToAdd {
  const { opts } = job;
  const added: JobToAdd = {
    id: jobId || job.id || '',
    name: job.name,
    data: job.data ?? '{}',
    opts: JSON.stringify(opts ?? {}),
    priority: job.priority ?? opts?.priority ?? 0,
    delay: job.delay ?? opts?.delay ?? 0,
    timestamp: job.timestamp ?? Date.now(),
  };
  if (opts?.lifo === true) added.lifo = true;
  if (job.parent?.id !== undefined) {
    const key = parentKeyOpts.parentKey ?? job.parentKey ?? null;
    added.parent = { queue: job.parent.queueKey, id: job.parent.id, key };
  }
  if (parentKeyOpts.addToWaitingChildren === true) added.waitsForChildren = true;
  if (job.deduplicationId) added.dedup = toDeduplication(opts, job.deduplicationId);
  if (job.repeatJobKey) added.schedulerId = job.repeatJobKey;
  return added;
}

function toDeduplication(opts: JobsOptions, id: string): Deduplication {
  const wish: Partial<Deduplication> = opts.deduplication ?? {};
  const dedup: Deduplication = { id };
  if (wish.ttl !== undefined) dedup.ttl = wish.ttl;
  for (const flag of ['extend', 'replace', 'keepLastIfActive', 'reschedule'] as const)
    if (wish[flag] === true) dedup[flag] = true;
  return dedup;
}

/** Interprets the options `removeOnComplete` and `removeOnFail`. */
export function toRetention(wish: boolean | number | KeepJobs | undefined): Retention {
  if (wish === true || wish === 0) return { remove: true, age: null, count: null, limit: null };
  if (wish === undefined || wish === false) return { remove: false, age: null, count: null, limit: null };
  if (typeof wish === 'number') return { remove: false, age: null, count: wish, limit: null };
  const { age = null, count = null, limit = null } = wish as { age?: number; count?: number; limit?: number };
  return { remove: count === 0, age, count, limit };
}
