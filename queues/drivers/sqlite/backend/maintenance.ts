import type Database from 'libsql';
import type { CallLock } from '../../../../src/process/native-calls.js';

/** The idle time after which the file is vacuumed, in milliseconds. */
const IDLE_MS = 1000;
/** Under load, the number of operations between two vacuum steps. */
const CHECK_AFTER_OPERATIONS = 20_000;
/** The number of free pages (4 KB each) that are kept for reuse. */
const KEEP_FREE = 512;
/** The number of pages per vacuum step, which takes about a millisecond. */
const PAGES_AT_ONCE = 400;

/**
 * Returns the space of a drained queue to the file system, in steps short enough not to delay
 * operations.
 */
export class Maintenance {
  readonly #database: Database.Database;
  readonly #lock: CallLock;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #isVacuumed = true;

  constructor(database: Database.Database, lock: CallLock) {
    this.#database = database;
    this.#lock = lock;
  }

  recordOperations(operations: number): void {
    this.#since += operations;
    this.#isVacuumed = false;
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#check(), IDLE_MS);
  }

  #check(): void {
    this.#lock.run(() => this.#work());
  }

  #work(): void {
    this.#timer = undefined;
    if (this.#since > CHECK_AFTER_OPERATIONS) {
      // Under load: one step now, the rest when the queue is idle.
      this.#since = 0;
      this.#vacuum();
      this.#timer = setTimeout(() => this.#check(), IDLE_MS);
      return;
    }
    this.#since = 0;
    this.#vacuumAll();
  }

  #vacuumAll(): void {
    if (this.#vacuum()) {
      this.#timer = setTimeout(() => this.#check(), 1);
      return;
    }
    if (!this.#isVacuumed) {
      // The file shrinks only when the WAL is checkpointed.
      this.#attempt(() => {
        this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return true;
      });
      this.#isVacuumed = true;
    }
  }

  /** Runs one vacuum step. Returns whether to continue. */
  #vacuum(): boolean {
    return this.#attempt(() => {
      const [free] = this.#database.prepare('PRAGMA freelist_count').raw().get([]) as [number];
      if (free <= KEEP_FREE) return false;
      this.#database.exec(`PRAGMA incremental_vacuum(${Math.min(PAGES_AT_ONCE, free - KEEP_FREE)})`);
      return true;
    });
  }

  /**
   * Returns false for a step that fails. A full disk or a concurrent transaction of another process
   * is not an error here: a later step retries.
   */
  #attempt(step: () => boolean): boolean {
    try {
      return step();
    } catch {
      return false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
