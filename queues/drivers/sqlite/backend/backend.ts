import type {
  FinishedStatus,
  IQueueBackend,
  JobJson,
  JobProgress,
  JobsOptions,
  KeepJobs,
  MinimalJob,
  MoveToDelayedOpts,
  MoveToWaitingChildrenOpts,
  ParentKeyOpts,
  RepeatableOptions,
  RetryJobOpts,
  RetryOptions,
} from 'bullmq';
import { SqliteBackendQueries } from './backend-queries.js';
import { toJobJson, toNewJob, toRetention } from './job-json.js';
import type { RunOptions, SchedulerOptions } from './operations/schedulers.js';
import type { AttemptFailure } from './operations/transitions.js';
import type { Claim, ClaimOptions } from './protocol.js';

const DEFAULT_LOCK_MS = 30_000;
const DEFAULT_STALLED_INTERVAL_MS = 30_000;
/** BullMQ's default for the number of jobs per call. */
const DEFAULT_BATCH = 1000;

/**
 * The result of a claim as BullMQ expects it: the job, its id, the remaining rate limit in
 * milliseconds, and when the next delayed job is due, in Unix milliseconds.
 */
type NextJob = [job: JobJson | null, id: string, rateLimitMs: number, lookAgainAt: number];
type Finished = { result: unknown[] | undefined; finishedOn: number };

/**
 * BullMQ's `IQueueBackend` on SQLite. Each method is one operation in the thread of the connection;
 * its promise resolves when the transaction is durable.
 */
export class SqliteQueueBackend extends SqliteBackendQueries implements IQueueBackend {
  forQueue(queueName: string, _prefix?: string): SqliteQueueBackend {
    return new SqliteQueueBackend(this.connection, queueName, this.opts, { ownsConnection: false });
  }

  async addJob(job: JobJson, jobId: string, parentKeyOpts?: ParentKeyOpts): Promise<string> {
    const added = toNewJob(job, jobId, parentKeyOpts);
    return this.call('addJob', { jobId, parentKey: added.parent?.key ?? undefined }, added);
  }

  async addJobs(
    entries: { job: JobJson; jobId: string; parentKeyOpts?: ParentKeyOpts }[],
  ): Promise<string[]> {
    const jobs = entries.map((entry) => toNewJob(entry.job, entry.jobId, entry.parentKeyOpts));
    return this.call('addJobs', { command: 'addJob' }, jobs);
  }

  async addFlow(
    entries: {
      jobData: JobJson;
      jobId: string;
      parentKeyOpts: ParentKeyOpts;
      prefix: string;
      queueName: string;
    }[],
  ): Promise<[Error | null, string | number][]> {
    const flow = entries.map(({ jobData, jobId, parentKeyOpts, queueName }) => ({
      queue: queueName,
      job: toNewJob(jobData, jobId, parentKeyOpts),
    }));
    try {
      return (await this.call('addFlow', {}, flow, Date.now())).map((id) => [null, id]);
    } catch (error) {
      return entries.map(() => [error as Error, 0]);
    }
  }

  async addJobScheduler(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    templateOpts: JobsOptions,
    opts: RepeatableOptions,
    delayedJobOpts: JobsOptions,
    _producerId?: string,
  ): Promise<[string, number]> {
    return this.call(
      'upsertScheduler',
      { command: 'addJobScheduler' },
      jobSchedulerId,
      nextMillis,
      templateData || '{}',
      JSON.stringify(templateOpts ?? {}),
      plain<SchedulerOptions>(opts),
      plain<RunOptions>(delayedJobOpts),
      Date.now(),
    );
  }

  async updateJobSchedulerNextMillis(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    delayedJobOpts: JobsOptions,
    producerId?: string,
  ): Promise<string | null> {
    return this.call(
      'advanceScheduler',
      {},
      jobSchedulerId,
      nextMillis,
      templateData || '{}',
      plain<RunOptions>(delayedJobOpts),
      producerId ?? null,
      Date.now(),
    );
  }

  /** Resolves with 0 when the scheduler existed and was removed, as in BullMQ's other backends. */
  async removeJobScheduler(jobSchedulerId: string): Promise<number> {
    return (await this.call('removeScheduler', {}, jobSchedulerId)) ? 0 : 1;
  }

  async moveToActive(token: string, name?: string): Promise<NextJob> {
    const asOf = this.jobChangeSequence;
    const claim = await this.call('claim', {}, this.#claimOptions(token, name), Date.now());
    return this.#toNextJob(claim, asOf);
  }

  /**
   * Repeats `moveToActive` for each token, in one operation, until the queue is empty; the last
   * result then has no job.
   */
  async moveManyToActive(tokens: readonly string[], name?: string): Promise<NextJob[]> {
    const [first] = tokens;
    if (first === undefined) return [];
    const asOf = this.jobChangeSequence;
    const claims = await this.call('claimMany', {}, this.#claimOptions(first, name), tokens, Date.now());
    return claims.map((claim) => this.#toNextJob(claim, asOf));
  }

  /** Does nothing: on SQLite, waiting for a job consumes no marker. */
  async returnMarker(): Promise<void> {}

  #claimOptions(token: string, worker = this.opts.name): ClaimOptions {
    const { lockDuration, limiter } = this.opts;
    return {
      token,
      lockMs: lockDuration ?? DEFAULT_LOCK_MS,
      worker: worker ?? null,
      limiterMax: limiter?.max ?? null,
      limiterDuration: limiter?.duration ?? null,
    };
  }

  #toNextJob([row, rateLimitMs, nextDelayed]: Claim, asOf: number): NextJob {
    if (row !== null) return [toJobJson(row), row[1], 0, 0];
    this.foundEmpty(asOf);
    return [null, '', rateLimitMs, nextDelayed];
  }

  async moveToCompleted<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    returnValue: R,
    removeOnComplete: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ): Promise<Finished> {
    const ending = this.#ending(job.id, token, removeOnComplete ?? this.opts.removeOnComplete);
    const next = this.#next(fetchNext, token);
    const asOf = this.jobChangeSequence;
    const value = JSON.stringify(returnValue ?? null);
    const claim = await this.call('complete', about('moveToFinished', job.id), ending, value, next);
    return {
      result: claim === null ? undefined : this.#toNextJob(claim, asOf),
      finishedOn: ending.finishedOn,
    };
  }

  async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    failedReason: string,
    removeOnFail: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
    fieldsToUpdate?: Record<string, unknown>,
  ): Promise<Finished> {
    const ending = this.#ending(job.id, token, removeOnFail ?? this.opts.removeOnFail);
    const next = this.#next(fetchNext, token);
    const asOf = this.jobChangeSequence;
    const { stacktrace } = toFailure(fieldsToUpdate);
    const subject = about('moveToFinished', job.id);
    const claim = await this.call('fail', subject, ending, failedReason, stacktrace, next);
    return {
      result: claim === null ? undefined : this.#toNextJob(claim, asOf),
      finishedOn: ending.finishedOn,
    };
  }

  #ending(id: string | undefined, token: string, keep: boolean | number | KeepJobs | undefined) {
    return {
      id: id ?? '',
      token,
      finishedOn: Date.now(),
      retention: toRetention(keep),
      maxDataPoints: this.opts.metrics?.maxDataPoints ?? 0,
    };
  }

  #next(fetchNext: boolean, token: string): ClaimOptions | null {
    return fetchNext && this.closing === undefined ? this.#claimOptions(token) : null;
  }

  async moveToDelayed(
    jobId: string,
    timestamp: number,
    delay: number,
    token = '0',
    opts: MoveToDelayedOpts = {},
  ): Promise<unknown[]> {
    const next = this.#next(opts.fetchNext === true && token !== '0', token);
    const asOf = this.jobChangeSequence;
    const claim = await this.call(
      'delayActive',
      about('moveToDelayed', jobId),
      jobId,
      token,
      timestamp + delay,
      delay,
      opts.skipAttempt !== true,
      toFailure(opts.fieldsToUpdate),
      next,
      Date.now(),
    );
    if (claim === null) return [];
    const job = this.#toNextJob(claim, asOf);
    return job[0] === null ? [] : job;
  }

  async moveToWaitingChildren(
    jobId: string,
    token: string,
    _opts?: MoveToWaitingChildrenOpts,
  ): Promise<boolean> {
    return this.call('waitForChildren', about('moveToWaitingChildren', jobId), jobId, token);
  }

  async moveJobFromActiveToWait(jobId: string, token = '0'): Promise<number> {
    return this.call('returnToWait', about('moveJobFromActiveToWait', jobId), jobId, token, Date.now());
  }

  async retryJob(jobId: string, lifo: boolean, token = '0', opts: RetryJobOpts = {}): Promise<void> {
    const failure = toFailure(opts.fieldsToUpdate);
    return this.call('retryActive', about('retryJob', jobId), jobId, token, lifo, failure, Date.now());
  }

  async retryFinishedJob<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    state: 'failed' | 'completed',
    opts: RetryOptions = {},
  ): Promise<void> {
    return this.call(
      'reprocess',
      about('reprocessJob', job.id, state),
      job.id ?? '',
      state,
      job.opts?.lifo ?? false,
      opts.resetAttemptsMade ?? false,
      opts.resetAttemptsStarted ?? false,
    );
  }

  async promote(jobId: string): Promise<void> {
    return this.call('promote', about('promote', jobId, 'delayed'), jobId);
  }

  async moveStalledJobsToWait(): Promise<string[]> {
    const { maxStalledCount = 1, stalledInterval = DEFAULT_STALLED_INTERVAL_MS } = this.opts;
    return this.call('recoverStalled', {}, maxStalledCount, Date.now(), stalledInterval);
  }

  async retryFinishedJobs(
    state: FinishedStatus = 'failed',
    count = DEFAULT_BATCH,
    timestamp?: number,
  ): Promise<number> {
    return this.call('retryFinished', {}, state, count, timestamp ?? null);
  }

  async promoteJobs(count = DEFAULT_BATCH): Promise<number> {
    return this.call('promoteMany', {}, count);
  }

  async pause(pause: boolean): Promise<void> {
    return this.call('pause', {}, pause);
  }

  async drain(delayed: boolean): Promise<void> {
    return this.call('drain', {}, delayed);
  }

  async cleanJobsByState(state: string, timestamp: number, limit = 0): Promise<string[]> {
    return this.call('clean', {}, state, timestamp, limit, Date.now());
  }

  async obliterate({ force, count }: { force: boolean; count: number }): Promise<number> {
    const left = await this.call('obliterate', {}, count, force);
    if (left === -1) throw new Error('Cannot obliterate non-paused queue');
    if (left === -2) throw new Error('Cannot obliterate queue with active jobs');
    return left;
  }

  /** Orphaned jobs cannot exist: a job and its place in the queue are one row. */
  async removeOrphanedJobs(): Promise<number> {
    return 0;
  }

  async extendLock(jobId: string, token: string, duration: number): Promise<number> {
    return (await this.call('extendLock', { jobId }, jobId, token, duration, Date.now())) ? 1 : 0;
  }

  async extendLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    return this.call('extendLocks', {}, jobIds, tokens, duration, Date.now());
  }

  async updateData<T, R, N extends string>(job: MinimalJob<T, R, N>, data: T): Promise<void> {
    return this.call('updateData', about('updateData', job.id), job.id ?? '', JSON.stringify(data ?? {}));
  }

  async updateProgress(jobId: string, progress: JobProgress): Promise<void> {
    return this.call(
      'updateProgress',
      about('updateProgress', jobId),
      jobId,
      JSON.stringify(progress ?? null),
    );
  }

  async addLog(jobId: string, logRow: string, keepLogs = 0): Promise<number> {
    return this.call('addLog', about('addLog', jobId), jobId, logRow, keepLogs);
  }

  async clearLogs(jobId: string, keepLogs = 0): Promise<void> {
    return this.call('clearLogs', { jobId }, jobId, keepLogs);
  }

  async changeDelay(jobId: string, delay: number): Promise<void> {
    return this.call('changeDelay', about('changeDelay', jobId, 'delayed'), jobId, delay, Date.now());
  }

  async changePriority(jobId: string, priority = 0, lifo = false): Promise<void> {
    return this.call('changePriority', about('changePriority', jobId), jobId, priority, lifo);
  }

  async remove(jobId: string, removeChildren: boolean): Promise<number> {
    return this.call('remove', about('remove', jobId), jobId, removeChildren, Date.now());
  }

  async removeUnprocessedChildren(jobId: string): Promise<void> {
    return this.call('removeUnprocessedChildren', { jobId }, jobId);
  }

  async removeChildDependency(jobId: string, parentKey: string): Promise<boolean> {
    return this.call('removeChildDependency', { jobId, parentKey }, jobId, Date.now());
  }

  async removeDeduplicationKey(deduplicationId: string, jobId: string): Promise<number> {
    return this.call('removeDedupOf', {}, deduplicationId, jobId, Date.now());
  }

  async deleteDeduplicationKey(deduplicationId: string): Promise<number> {
    return this.call('removeDedupKey', {}, deduplicationId);
  }

  async setQueueMeta(values: Record<string, string | number>): Promise<number> {
    const fields = Object.entries(values).map(([field, value]): [string, string] => [field, String(value)]);
    return fields.length === 0 ? 0 : this.call('setMeta', {}, fields);
  }

  async removeQueueMetaFields(fields: string[]): Promise<number> {
    return this.call('removeMeta', {}, fields);
  }

  async setRateLimit(expireTimeMs: number): Promise<void> {
    return this.call('setRateLimit', {}, expireTimeMs, Date.now());
  }

  async removeRateLimitKey(): Promise<number> {
    return this.call('removeRateLimit', {});
  }

  /** Only Redis queues of earlier BullMQ versions have this key. */
  async removeDeprecatedPriorityKey(): Promise<number> {
    return 0;
  }
}

/** Names a job for the error message of a refusal. Most transitions start from an active job. */
function about(command: string, jobId: string | undefined, state = 'active') {
  return { command, jobId, state };
}

function toFailure(fields: Record<string, unknown> | undefined): AttemptFailure {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return { reason: text(fields?.failedReason), stacktrace: text(fields?.stacktrace) };
}

/** Drops what JSON omits, because functions and dates cannot be sent to the thread. */
function plain<T>(value: object | undefined): T {
  return JSON.parse(JSON.stringify(value ?? {})) as T;
}
