import { type AppError, isAppError } from '../src/errors.js';
import { queueUnavailable } from './admission.js';
import type { JobGroup, Shares } from './driver.js';

/** More in one round trip gives no more, and lets Redis and this process wait for each other. */
const MAX_JOBS = 32;
/** Of input in one round trip, lest a slow network makes it late. */
const MAX_BYTES = 8 << 20;

type Send = (groups: readonly JobGroup[], shares: Shares) => Promise<(AppError | null)[]>;

interface Waiting {
  group: JobGroup;
  shares: Shares;
  resolve: () => void;
  reject: (error: AppError) => void;
}

/**
 * Gathers what is added in one tick into one round trip, or as many as it fills; every caller gets
 * its own answer.
 */
export class AddBatcher {
  readonly #send: Send;
  readonly #sending = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #jobs = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  add(group: JobGroup, shares: Shares): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group, shares, resolve, reject });
      this.#jobs += group.length;
      if (this.#jobs >= MAX_JOBS) this.#flush();
      else if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Resolves when every add has its answer. */
  async idle(): Promise<void> {
    if (this.#waiting.length > 0) this.#flush();
    await Promise.all(this.#sending);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#jobs = 0;
    let batch: Waiting[] = [];
    let jobs = 0;
    let bytes = 0;
    for (const item of waiting) {
      const size = item.group.reduce((sum, job) => sum + job.data.s, 0);
      if (batch.length > 0 && (jobs + item.group.length > MAX_JOBS || bytes + size > MAX_BYTES)) {
        this.#dispatch(batch);
        batch = [];
        jobs = 0;
        bytes = 0;
      }
      batch.push(item);
      jobs += item.group.length;
      bytes += size;
    }
    if (batch.length > 0) this.#dispatch(batch);
  }

  #dispatch(batch: Waiting[]): void {
    const sending = this.#sendBatch(batch).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #sendBatch(batch: Waiting[]): Promise<void> {
    try {
      const shares = new Map(batch.flatMap((item) => [...item.shares]));
      const verdicts = await this.#send(
        batch.map((item) => item.group),
        shares,
      );
      batch.forEach((item, index) => {
        const refusal = verdicts[index];
        if (refusal) item.reject(refusal);
        else item.resolve();
      });
    } catch (error) {
      const refusal = isAppError(error) ? error : queueUnavailable(error);
      for (const item of batch) item.reject(refusal);
    }
  }
}
