import type {
  IQueueBackend,
  JobJson,
  KeepJobs,
  MinimalJob,
  MoveToDelayedOpts,
  MoveToWaitingChildrenOpts,
  RetryJobOpts,
} from 'bullmq';
import { SqliteBackendChanges } from './backend-changes.js';
import { about } from './errors.js';
import { toJobJson, toRetention } from './job-json.js';
import type { AttemptFailure, Claim, ClaimLimits, ClaimOptions } from './operation-types.js';
import type { FinishOptions } from './operations/finish.js';
import { UnrenewedLocks } from './unrenewed-locks.js';

const DEFAULT_LOCK_MS = 30_000;
const DEFAULT_STALLED_INTERVAL_MS = 30_000;

/**
 * The result of a claim as BullMQ expects it: the job, its id, the remaining rate limit in
 * milliseconds, and when the next delayed job is due, in Unix milliseconds.
 */
type ClaimResult = [job: JobJson | null, id: string, rateLimitMs: number, nextDelayedAt: number];
/** The result of a claim without the tuple. */
type NextJob =
  | { kind: 'job'; json: JobJson; id: string }
  | { kind: 'empty'; rateLimitMs: number; nextDelayedAt: number };
type Finished = { result: ClaimResult | undefined; finishedOn: number };

/**
 * BullMQ's `IQueueBackend` on SQLite. Each method is one operation in the thread of the connection;
 * its promise resolves when the transaction is durable. This class has the operations of workers;
 * those of clients are inherited.
 */
export class SqliteQueueBackend extends SqliteBackendChanges implements IQueueBackend {
  readonly #unrenewedLocks = new UnrenewedLocks();

  forQueue(queueName: string, _prefix?: string): SqliteQueueBackend {
    return new SqliteQueueBackend(this.connection, queueName, this.opts, { ownsConnection: false });
  }

  async moveToActive(token: string, name?: string): Promise<ClaimResult> {
    const asOf = this.jobChangeSequence;
    const claim = await this.call('claim', {}, { token, ...this.#claimLimits(name) }, Date.now());
    return this.#toClaimResult(claim, asOf);
  }

  /**
   * Repeats `moveToActive` for each token, in one operation, until the queue is empty; the last
   * result then has no job.
   */
  async moveManyToActive(tokens: readonly string[], name?: string): Promise<NextJob[]> {
    if (tokens.length === 0) return [];
    const asOf = this.jobChangeSequence;
    const claims = await this.call('claimMany', {}, { tokens, ...this.#claimLimits(name), now: Date.now() });
    return claims.map((claim) => toNextJob(this.#toClaimResult(claim, asOf)));
  }

  /** Does nothing: on SQLite, waiting for a job consumes no marker. */
  async returnMarker(): Promise<void> {}

  #claimLimits(worker = this.opts.name): ClaimLimits {
    const { lockDuration, limiter } = this.opts;
    return {
      lockMs: lockDuration ?? DEFAULT_LOCK_MS,
      worker: worker ?? null,
      limiterMax: limiter?.max ?? null,
      limiterDuration: limiter?.duration ?? null,
    };
  }

  #toClaimResult([row, rateLimitMs, nextDelayed]: Claim, asOf: number): ClaimResult {
    if (row !== null) {
      const [, id] = row;
      return [toJobJson(row), id, 0, 0];
    }
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
    const asOf = this.jobChangeSequence;
    const keep = removeOnComplete ?? this.opts.removeOnComplete;
    const options = this.#finishOptions(job.id, token, keep, fetchNext);
    const value = JSON.stringify(returnValue ?? null);
    const claim = await this.call('complete', about('moveToFinished', job.id), options, value);
    return this.#toFinished(claim, asOf, options.finishedOn);
  }

  /** `moveToCompleted` of a job without a return value, of which nothing is kept. */
  async complete(job: MinimalJob, token: string, fetchNext: boolean): Promise<NextJob | null> {
    const { result } = await this.moveToCompleted(job, undefined, { count: 0 }, token, fetchNext);
    return result === undefined ? null : toNextJob(result);
  }

  async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    failedReason: string,
    removeOnFail: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
    fieldsToUpdate?: Record<string, unknown>,
  ): Promise<Finished> {
    const asOf = this.jobChangeSequence;
    const keep = removeOnFail ?? this.opts.removeOnFail;
    const options = this.#finishOptions(job.id, token, keep, fetchNext);
    const failure = { reason: failedReason, stacktrace: toFailure(fieldsToUpdate).stacktrace };
    const claim = await this.call('fail', about('moveToFinished', job.id), options, failure);
    return this.#toFinished(claim, asOf, options.finishedOn);
  }

  #finishOptions(
    id: string | undefined,
    token: string,
    keep: boolean | number | KeepJobs | undefined,
    fetchNext: boolean,
  ): FinishOptions {
    return {
      id: id ?? '',
      token,
      finishedOn: Date.now(),
      retention: toRetention(keep),
      maxDataPoints: this.opts.metrics?.maxDataPoints ?? 0,
      next: this.#next(fetchNext, token),
    };
  }

  #next(fetchNext: boolean, token: string): ClaimOptions | null {
    return fetchNext && this.closing === undefined ? { token, ...this.#claimLimits() } : null;
  }

  #toFinished(claim: Claim | null, asOf: number, finishedOn: number): Finished {
    return { result: claim === null ? undefined : this.#toClaimResult(claim, asOf), finishedOn };
  }

  async moveToDelayed(
    jobId: string,
    timestamp: number,
    delay: number,
    token = '0',
    opts: MoveToDelayedOpts = {},
  ): Promise<unknown[]> {
    const asOf = this.jobChangeSequence;
    const claim = await this.call('delayActive', about('moveToDelayed', jobId), {
      id: jobId,
      token,
      until: timestamp + delay,
      delay,
      countAttempt: opts.skipAttempt !== true,
      failure: toFailure(opts.fieldsToUpdate),
      next: this.#next(opts.fetchNext === true && token !== '0', token),
      now: Date.now(),
    });
    if (claim === null) return [];
    const result = this.#toClaimResult(claim, asOf);
    const [job] = result;
    return job === null ? [] : result;
  }

  async moveToWaitingChildren(
    jobId: string,
    token: string,
    _opts?: MoveToWaitingChildrenOpts,
  ): Promise<boolean> {
    return this.call('waitForChildren', about('moveToWaitingChildren', jobId), { id: jobId, token });
  }

  async moveJobFromActiveToWait(jobId: string, token = '0'): Promise<number> {
    const subject = about('moveJobFromActiveToWait', jobId);
    return this.call('returnToWait', subject, { id: jobId, token, now: Date.now() });
  }

  async retryJob(jobId: string, lifo: boolean, token = '0', opts: RetryJobOpts = {}): Promise<void> {
    return this.call('retryActive', about('retryJob', jobId), {
      id: jobId,
      token,
      lifo,
      failure: toFailure(opts.fieldsToUpdate),
      now: Date.now(),
    });
  }

  async moveStalledJobsToWait(): Promise<string[]> {
    const {
      maxStalledCount = 1,
      stalledInterval = DEFAULT_STALLED_INTERVAL_MS,
      lockDuration = DEFAULT_LOCK_MS,
    } = this.opts;
    if (this.#unrenewedLocks.areLikely({ intervalMs: stalledInterval, lockMs: lockDuration })) return [];
    return this.call('recoverStalled', {}, { maxStalledCount, intervalMs: stalledInterval, now: Date.now() });
  }

  async extendLock(jobId: string, token: string, duration: number): Promise<number> {
    const options = { id: jobId, token, lockMs: duration, now: Date.now() };
    return (await this.call('extendLock', { jobId }, options)) ? 1 : 0;
  }

  /** Renews also locks that have expired, as long as no other run has claimed the job. */
  renewLocks(runs: readonly { id: string; token: string }[]): Promise<string[]> {
    const { lockDuration = DEFAULT_LOCK_MS } = this.opts;
    return this.extendLocks(
      runs.map(({ id }) => id),
      runs.map(({ token }) => token),
      lockDuration,
    );
  }

  async extendLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    return this.call('extendLocks', {}, { ids: jobIds, tokens, lockMs: duration, now: Date.now() });
  }
}

function toNextJob([json, id, rateLimitMs, nextDelayedAt]: ClaimResult): NextJob {
  return json === null ? { kind: 'empty', rateLimitMs, nextDelayedAt } : { kind: 'job', json, id };
}

function toFailure(fields: Record<string, unknown> | undefined): AttemptFailure {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return { reason: text(fields?.failedReason), stacktrace: text(fields?.stacktrace) };
}
