import type {
  FinishedStatus,
  JobJson,
  JobProgress,
  JobsOptions,
  MinimalJob,
  ParentKeyOpts,
  RepeatableOptions,
  RetryOptions,
} from 'bullmq';
import { SqliteBackendQueries } from './backend-queries.js';
import { about } from './errors.js';
import { toNewJob } from './job-json.js';
import type { RepeatOptions, RunOptions } from './operations/scheduler-times.js';

/** BullMQ's default for the number of jobs per call. */
const DEFAULT_BATCH = 1000;

/**
 * The operations of clients: they add jobs, change or remove jobs that no worker has, and set the
 * options of the queue.
 */
export class SqliteBackendChanges extends SqliteBackendQueries {
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
      {
        id: jobSchedulerId,
        nextMillis,
        templateData: templateData || '{}',
        templateOpts: JSON.stringify(templateOpts ?? {}),
        repeat: plain<RepeatOptions>(opts),
        run: plain<RunOptions>(delayedJobOpts),
        now: Date.now(),
      },
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
      {
        id: jobSchedulerId,
        nextMillis,
        templateData: templateData || '{}',
        run: plain<RunOptions>(delayedJobOpts),
        producerId: producerId ?? null,
        now: Date.now(),
      },
    );
  }

  /** Resolves with 0 when the scheduler existed and was removed, as in BullMQ's other backends. */
  async removeJobScheduler(jobSchedulerId: string): Promise<number> {
    return (await this.call('removeScheduler', {}, jobSchedulerId)) ? 0 : 1;
  }

  async retryFinishedJob<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    state: 'failed' | 'completed',
    opts: RetryOptions = {},
  ): Promise<void> {
    return this.call('reprocess', about('reprocessJob', job.id, state), {
      id: job.id ?? '',
      from: state,
      lifo: job.opts?.lifo ?? false,
      resetAttemptsMade: opts.resetAttemptsMade ?? false,
      resetAttemptsStarted: opts.resetAttemptsStarted ?? false,
    });
  }

  async promote(jobId: string): Promise<void> {
    return this.call('promote', about('promote', jobId, 'delayed'), jobId);
  }

  async retryFinishedJobs(
    state: FinishedStatus = 'failed',
    count = DEFAULT_BATCH,
    timestamp?: number,
  ): Promise<number> {
    return this.call('retryFinished', {}, { from: state, count, until: timestamp ?? null });
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
    return this.call('clean', {}, { type: state, until: timestamp, limit, now: Date.now() });
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

  async updateData<T, R, N extends string>(job: MinimalJob<T, R, N>, data: T): Promise<void> {
    const options = { id: job.id ?? '', data: JSON.stringify(data ?? {}) };
    return this.call('updateData', about('updateData', job.id), options);
  }

  async updateProgress(jobId: string, progress: JobProgress): Promise<void> {
    const options = { id: jobId, progress: JSON.stringify(progress ?? null) };
    return this.call('updateProgress', about('updateProgress', jobId), options);
  }

  async addLog(jobId: string, logRow: string, keepLogs = 0): Promise<number> {
    return this.call('addLog', about('addLog', jobId), { id: jobId, text: logRow, keep: keepLogs });
  }

  async clearLogs(jobId: string, keepLogs = 0): Promise<void> {
    return this.call('clearLogs', { jobId }, jobId, keepLogs);
  }

  async changeDelay(jobId: string, delay: number): Promise<void> {
    const options = { id: jobId, delay, now: Date.now() };
    return this.call('changeDelay', about('changeDelay', jobId, 'delayed'), options);
  }

  async changePriority(jobId: string, priority = 0, lifo = false): Promise<void> {
    return this.call('changePriority', about('changePriority', jobId), { id: jobId, priority, lifo });
  }

  async remove(jobId: string, removeChildren: boolean): Promise<number> {
    return this.call('remove', about('remove', jobId), { id: jobId, removeChildren, now: Date.now() });
  }

  async removeUnprocessedChildren(jobId: string): Promise<void> {
    return this.call('removeUnprocessedChildren', { jobId }, jobId);
  }

  async removeChildDependency(jobId: string, parentKey: string): Promise<boolean> {
    return this.call('removeChildDependency', { jobId, parentKey }, jobId, Date.now());
  }

  async removeDeduplicationKey(deduplicationId: string, jobId: string): Promise<number> {
    return this.call('removeDedupOf', {}, { dedupId: deduplicationId, jobId, now: Date.now() });
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
    return this.call('setRateLimit', {}, { ms: expireTimeMs, now: Date.now() });
  }

  async removeRateLimitKey(): Promise<number> {
    return this.call('removeRateLimit', {});
  }

  /** Only Redis queues of earlier BullMQ versions have this key. */
  async removeDeprecatedPriorityKey(): Promise<number> {
    return 0;
  }
}

/** Drops what JSON omits, because functions and dates cannot be sent to the thread. */
function plain<T>(value: object | undefined): T {
  return JSON.parse(JSON.stringify(value ?? {})) as T;
}
