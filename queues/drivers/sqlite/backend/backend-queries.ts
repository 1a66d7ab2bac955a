import type { DependenciesOpts, IQueueBackend, JobJson, JobState, JobType } from 'bullmq';
import { SqliteBackendLifecycle } from './backend-lifecycle.js';
import { toJobJson } from './job-json.js';
import type { Scheduler } from './operations/scheduler-times.js';
import { DEPENDENCY, STATE, STATE_NAMES } from './schema.js';

const PAGE = 20;
type JobDependencies = Awaited<ReturnType<IQueueBackend['getDependencies']>>;
type Page = Awaited<ReturnType<IQueueBackend['paginate']>>;

/** The read-only operations of the backend. */
export class SqliteBackendQueries extends SqliteBackendLifecycle {
  async getState(jobId: string): Promise<JobState | 'unknown'> {
    const found = await this.call('getState', { jobId }, jobId);
    if (found === null) return 'unknown';
    const [state, priority] = found;
    return state === STATE.waiting && priority > 0 ? 'prioritized' : (STATE_NAMES[state] ?? 'unknown');
  }

  async isFinished(jobId: string, returnValue?: boolean): Promise<number | [number, string]> {
    const found = await this.call('getState', { jobId }, jobId);
    const answer = (): [number, string] => {
      if (found === null) return [-1, `Missing key for job ${this.toKey(jobId)}. isFinished`];
      const [state, , value, reason] = found;
      if (state === STATE.completed) return [1, value ?? 'null'];
      return state === STATE.failed ? [2, reason ?? ''] : [0, ''];
    };
    return returnValue === true ? answer() : answer()[0];
  }

  async isMaxed(): Promise<boolean> {
    return this.call('isMaxed', {});
  }

  async isJobInState(state: string, jobId: string): Promise<boolean> {
    const current = await this.getState(jobId);
    switch (state) {
      case 'wait':
        return current === 'waiting';
      case 'paused':
        return false;
      case 'waiting':
      case 'active':
      case 'delayed':
      case 'prioritized':
      case 'completed':
      case 'failed':
      case 'waiting-children':
        return current === state;
      default:
        throw new Error(`Unknown job state: ${state}`);
    }
  }

  async getJobData(jobId: string): Promise<JobJson | undefined> {
    const row = await this.call('getJob', { jobId }, jobId);
    return row === null ? undefined : toJobJson(row);
  }

  async getDeduplicationJobId(deduplicationId: string): Promise<string | null> {
    return this.call('dedupJobId', {}, deduplicationId, Date.now());
  }

  async getJobLogs(
    jobId: string,
    start: number,
    end: number,
    asc: boolean,
  ): Promise<{ logs: string[]; count: number }> {
    return this.call('getLogs', { jobId }, { id: jobId, start, end, ascending: asc });
  }

  async getRateLimitTtl(maxJobs?: number): Promise<number> {
    return this.call('rateLimitTtl', {}, { maxJobs: maxJobs ?? 0, now: Date.now() });
  }

  async getCounts(types: JobType[], delayedTimestamp?: number): Promise<number[]> {
    return this.call('countJobs', {}, types, delayedTimestamp ?? null);
  }

  async getCountsPerPriority(priorities: number[]): Promise<number[]> {
    return this.call('countPerPriority', {}, priorities);
  }

  async getRanges(types: JobType[], start = 0, end = -1, asc = false): Promise<[string][]> {
    // Returns one list of ids per type; the type of the interface is inaccurate.
    return (await this.call('getRanges', {}, { types, start, end, ascending: asc })) as [string][];
  }

  /** Resolves with one count per requested category, in their order. */
  async getDependencyCounts(jobId: string, types: string[]): Promise<number[]> {
    const counts = await this.call('countDependencies', { jobId }, jobId);
    const place: Readonly<Record<string, number>> = {
      unprocessed: DEPENDENCY.pending,
      processed: DEPENDENCY.processed,
      ignored: DEPENDENCY.ignored,
      failed: DEPENDENCY.failed,
    };
    return types.map((type) => counts[place[type] ?? -1] ?? 0);
  }

  async getDependencies(jobId: string, opts: DependenciesOpts): Promise<JobDependencies> {
    if (!opts.processed && !opts.unprocessed && !opts.ignored && !opts.failed) {
      const everything = { id: jobId, status: null, offset: 0, limit: -1 };
      const rows = await this.call('getDependencies', { jobId }, everything);
      const rowsOf = (wanted: number) => rows.filter(([status]) => status === wanted);
      const keysOf = (status: number): string[] => rowsOf(status).map(([, key]) => key);
      const valuesOf = (status: number, read: (value: string | null) => unknown): Record<string, unknown> =>
        Object.fromEntries(rowsOf(status).map(([, key, value]) => [key, read(value)]));
      return {
        processed: valuesOf(DEPENDENCY.processed, parsed),
        unprocessed: keysOf(DEPENDENCY.pending),
        ignored: valuesOf(DEPENDENCY.ignored, (reason) => reason),
        failed: keysOf(DEPENDENCY.failed),
      };
    }
    const result: JobDependencies = {};
    const page = async (
      status: number,
      { cursor = 0, count = PAGE }: { cursor?: number; count?: number },
    ) => {
      const options = { id: jobId, status, offset: cursor, limit: count };
      const rows = await this.call('getDependencies', { jobId }, options);
      return { rows, next: rows.length < count ? 0 : cursor + count };
    };
    if (opts.processed) {
      const { rows, next } = await page(DEPENDENCY.processed, opts.processed);
      result.processed = Object.fromEntries(rows.map(([, key, value]) => [key, parsed(value)]));
      result.nextProcessedCursor = next;
    }
    if (opts.unprocessed) {
      const { rows, next } = await page(DEPENDENCY.pending, opts.unprocessed);
      result.unprocessed = rows.map(([, key]) => key);
      result.nextUnprocessedCursor = next;
    }
    if (opts.ignored) {
      const { rows, next } = await page(DEPENDENCY.ignored, opts.ignored);
      result.ignored = Object.fromEntries(rows.map(([, key, reason]) => [key, reason]));
      result.nextIgnoredCursor = next;
    }
    if (opts.failed) {
      const { rows, next } = await page(DEPENDENCY.failed, opts.failed);
      result.failed = rows.map(([, key]) => key);
      result.nextFailedCursor = next;
    }
    return result;
  }

  async getProcessedChildrenValues(jobId: string): Promise<Record<string, string>> {
    return this.#valuesOfChildren(jobId, DEPENDENCY.processed);
  }

  async getIgnoredChildrenFailures(jobId: string): Promise<Record<string, string>> {
    return this.#valuesOfChildren(jobId, DEPENDENCY.ignored);
  }

  async #valuesOfChildren(jobId: string, status: number): Promise<Record<string, string>> {
    const options = { id: jobId, status, offset: 0, limit: -1 };
    const rows = await this.call('getDependencies', { jobId }, options);
    return Object.fromEntries(rows.map(([, key, value]) => [key, value ?? 'null']));
  }

  /** Pages over the children of a job. No other list has a key in this backend. */
  async paginate(
    key: string,
    { start, end, fetchJobs = false }: { start: number; end: number; fetchJobs?: boolean },
  ): Promise<Page> {
    const [, jobId, list] =
      /^(.*):(dependencies|processed)$/.exec(key.slice(this.queueName.length + 1)) ?? [];
    if (jobId === undefined || !key.startsWith(`${this.queueName}:`))
      throw new Error(
        `There is no list ${key} to page over; ask for the dependencies or the processed children of a job.`,
      );
    const processed = list === 'processed';
    const offset = Math.max(start ?? 0, 0);
    const limit = end == null || end < 0 ? -1 : end - offset + 1;
    const status = processed ? DEPENDENCY.processed : DEPENDENCY.pending;
    const options = { id: jobId, status, offset, limit, withJobs: fetchJobs };
    const page = await this.call('pageOfChildren', { jobId }, options);
    const items = page.items.map(([, id, value]) => (processed ? { id, v: parsed(value) } : { id }));
    const result: Page = { cursor: '0', items, total: page.total };
    if (fetchJobs) result.jobs = page.jobs.map(toJobJson);
    return result;
  }

  async getMetrics(type: 'completed' | 'failed', start = 0, end = -1): Promise<[string[], string[], number]> {
    const { meta, points, total } = await this.call('getMetrics', {}, { kind: type, start, end });
    return [meta.map(String), points.map(String), total];
  }

  async getQueueMetaField(field: string): Promise<string | null> {
    return (await this.getQueueMeta())[field] ?? null;
  }

  async getQueueMetaFields(fields: string[]): Promise<(string | null)[]> {
    const meta = await this.getQueueMeta();
    return fields.map((field) => meta[field] ?? null);
  }

  async getQueueMeta(): Promise<Record<string, string>> {
    return Object.fromEntries(await this.call('getMeta', {}));
  }

  async hasQueueMetaField(field: string): Promise<boolean> {
    return (await this.getQueueMetaField(field)) !== null;
  }

  async getJobScheduler(id: string): Promise<[string[] | null, string | null]> {
    const found = await this.call('getScheduler', {}, id);
    return found === undefined
      ? [null, null]
      : [Object.entries(schedulerFields(found)).flat(), String(found.nextRun)];
  }

  async isJobScheduler(id: string): Promise<boolean> {
    return (await this.call('getScheduler', {}, id)) !== undefined;
  }

  async getJobSchedulerData(id: string): Promise<Record<string, string>> {
    const found = await this.call('getScheduler', {}, id);
    return found === undefined ? {} : schedulerFields(found);
  }

  async getJobSchedulersRange(start: number, end: number, asc: boolean): Promise<string[]> {
    const rows = await this.call('listSchedulers', {}, { start, end, ascending: asc });
    return rows.flatMap(([id, next]) => [id, String(next)]);
  }

  async getJobSchedulersCount(): Promise<number> {
    return this.call('countSchedulers', {});
  }
}

function parsed(value: string | null): unknown {
  return value === null ? null : JSON.parse(value);
}

/**
 * Converts a scheduler to the field names that BullMQ reads; fields without a value are omitted.
 */
function schedulerFields({
  nextRun: _,
  iterations: ic,
  data,
  opts,
  ...fields
}: Scheduler): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [field, value] of Object.entries({ ...fields, ic }))
    if (value !== null) given[field] = String(value);
  if (data !== null && data !== '{}') given.data = data;
  if (opts !== null && opts !== '{}') given.opts = opts;
  return given;
}
