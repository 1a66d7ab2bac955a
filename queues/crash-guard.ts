import { MAX_WORKER_CRASHES } from '../src/contract/limits.js';
import type { Closable } from '../src/ports/closable.js';
import { type CrashJournal, type RunEntry, type RunKey, runEntry, runKey } from './crash-journal.js';

/**
 * Guests that begin within this interval are written together. A guest that crashes the process
 * before the write is identified at its next crash.
 */
const WRITE_EVERY_MS = 2;
/** The end of a guest is written with the next guest that begins, at the latest after this time. */
const END_WRITTEN_WITHIN_MS = 10;

/** The worker crashes of a job. */
export interface JobCrashes {
  /** The number of those during which its guest was running. */
  whileRunning: number;
  /** When the guest began, for each crash, in Unix milliseconds; null if that is unknown. */
  starts: readonly (number | null)[];
}

/** One run of a job, from its delivery to this process until its end. */
export interface GuardedRun {
  /** Resolves with the earlier crashes of the job. */
  crashes(): Promise<JobCrashes>;
  /**
   * Records that the job has a slot. A job whose guest has not begun is not counted as the cause of
   * a crash, unless its process has crashed MAX_WORKER_CRASHES times before: it may be its module
   * that crashes a process while it is loaded. Until another guest begins in this process, only
   * this job can then be the cause.
   */
  admitted(): void;
  /** Records that the guest of the job begins. The journal is written asynchronously. */
  began(): void;
  /** Like `began`, but resolves only when the record survives a crash. */
  beganDurably(): Promise<void>;
  /** Records that the guest has ended, or will not begin. Idempotent. */
  ended(): void;
}

/** A run with its entry in the journal, which is made when its guest begins. */
interface RecordedRun extends GuardedRun {
  entry: RunEntry;
}

/**
 * Records which jobs may have caused a worker crash: those whose guests had begun. A job that was
 * prefetched or was waiting for a slot or its module when its process died is not counted as the
 * cause.
 *
 * No invocation waits for the journal, except a job that runs alone because it was running in two
 * crashes already.
 */
export class CrashGuard implements Closable {
  readonly #journal: CrashJournal;
  /**
   * The runs whose guests have begun. Before the end of a run has been handled, the job may have
   * been retried and begun again under the same key, which then belongs to the later run.
   */
  readonly #runs = new Map<RunKey, RecordedRun>();
  /**
   * The run of a job that was admitted while no guest was running and whose guest has not begun.
   */
  #provisional: RunKey | null = null;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #writtenAt = 0;

  constructor(journal: CrashJournal) {
    this.#journal = journal;
  }

  /** @param crashes How often a worker crashed while it had the job. */
  run(id: string, crashes: number): GuardedRun {
    const key = runKey(id, crashes);
    const run: RecordedRun = {
      entry: key,
      crashes: async () => {
        const runs = await this.#journal.read();
        const keys = Array.from({ length: crashes }, (_, crash) => runKey(id, crash));
        return {
          whileRunning: keys.filter((each) => runs.has(each)).length,
          starts: keys.map((each) => runs.get(each) ?? null),
        };
      },
      admitted: () => {
        if (crashes < MAX_WORKER_CRASHES || this.#runs.size > 0) return;
        run.began();
        this.#provisional = key;
      },
      began: () => {
        const replaced = this.#provisional !== null && this.#provisional !== key;
        if (this.#provisional !== null && replaced) this.#runs.delete(this.#provisional);
        this.#provisional = null;
        run.entry = runEntry(key, Date.now());
        this.#runs.set(key, run);
        // The first guest after a pause is written at once, as is a job that was in a crash before,
        // which is rare.
        const isUrgent = crashes > 0 || replaced;
        this.#writeWithin(isUrgent ? 0 : this.#writtenAt + WRITE_EVERY_MS - performance.now());
      },
      beganDurably: async () => {
        run.entry = runEntry(key, Date.now());
        this.#runs.set(key, run);
        await this.#write();
      },
      ended: () => {
        if (this.#runs.get(key) !== run) return;
        this.#runs.delete(key);
        this.#writeWithin(END_WRITTEN_WITHIN_MS);
      },
    };
    return run;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#journal.close();
  }

  #writeWithin(ms: number): void {
    if (ms <= 0) {
      // A crash without a record is attributed to no job: finding the cause takes one more crash,
      // but no invocation is lost.
      this.#write().catch(() => {});
      return;
    }
    const dueAt = performance.now() + ms;
    if (this.#timer !== undefined) {
      if (this.#dueAt <= dueAt) return;
      clearTimeout(this.#timer);
    }
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#writeWithin(0), ms);
    this.#timer.unref();
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writtenAt = performance.now();
    return this.#journal.write(Array.from(this.#runs.values(), ({ entry }) => entry));
  }
}
