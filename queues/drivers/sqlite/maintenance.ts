import type Database from 'libsql';

/** Without work for so long, the file is tidied. */
const IDLE_MS = 1000;
/** Under load it is looked at after so many operations. */
const LOOK_AFTER = 20_000;
/** Free pages (of 4 KB) that are kept for what comes next. */
const KEEP_FREE = 512;
/** Pages given back at once: about a millisecond. */
const PAGES_AT_ONCE = 400;

/**
 * Gives the space of a drained queue back to the disk, in steps short enough to delay nothing else.
 */
export class Maintenance {
  readonly #database: Database.Database;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #tidied = true;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  worked(operations: number): void {
    this.#since += operations;
    this.#tidied = false;
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#look(), IDLE_MS);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#since > LOOK_AFTER) {
      // Busy: a little now, and the rest when it is quiet.
      this.#since = 0;
      this.#vacuum(PAGES_AT_ONCE);
      this.#timer = setTimeout(() => this.#look(), IDLE_MS);
      return;
    }
    this.#since = 0;
    this.#tidy();
  }

  #tidy(): void {
    if (this.#vacuum(PAGES_AT_ONCE)) {
      this.#timer = setTimeout(() => this.#look(), 1);
      return;
    }
    if (!this.#tidied) {
      // The file shrinks only when the log is written back to it.
      this.#attempt('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#tidied = true;
    }
  }

  /** Whether there is more to give back. */
  #vacuum(pages: number): boolean {
    const [free] = this.#database.prepare('PRAGMA freelist_count').raw().get([]) as [number];
    if (free <= KEEP_FREE) return false;
    return this.#attempt(`PRAGMA incremental_vacuum(${Math.min(pages, free - KEEP_FREE)})`);
  }

  /**
   * A full disk, or another process in the middle of its own, is no reason to fail: it is tried
   * again later.
   */
  #attempt(sql: string): boolean {
    try {
      this.#database.exec(sql);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
