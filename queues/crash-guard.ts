import type { Closable } from '../src/ports/closable.js';
import { type CrashJournal, type RunMark, runMark } from './crash-journal.js';

/**
 * Guests that begin in a burst are written together; a guest that crashes the process sooner is
 * found at its next crash.
 */
const WRITE_EVERY_MS = 2;
/** That a guest has ended is written with the next one that begins, at the latest after this. */
const END_WRITTEN_WITHIN_MS = 10;

/**
 * Knows which jobs may have caused a worker crash: those whose guests had begun. Jobs that were
 * prefetched or waited for a slot when their process died are not to blame, however often that
 * happens to them.
 *
 * Nothing on the path of an invocation waits for the journal, except for a job that runs alone
 * since it has been running in two crashes already.
 */
export class CrashGuard implements Closable {
  readonly #journal: CrashJournal;
  readonly #marks = new Set<RunMark>();
  /** The mark of a job that was admitted while nothing ran, and whose guest has not begun. */
  #provisional: RunMark | null = null;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #writtenAt = 0;

  constructor(journal: CrashJournal) {
    this.#journal = journal;
  }

  /** In how many of its crashes the job was running. */
  async crashesWhileRunning(id: string, crashes: number): Promise<number> {
    if (crashes === 0) return 0;
    const marks = await this.#journal.read();
    let count = 0;
    for (let crash = 0; crash < crashes; crash++) if (marks.has(runMark(id, crash))) count++;
    return count;
  }

  /**
   * The job has a slot. Until another guest begins here, a crash can only be its doing, also while
   * its module is still being loaded.
   */
  admitted(id: string, crashes: number): void {
    if (this.#marks.size > 0) return;
    this.began(id, crashes);
    this.#provisional = runMark(id, crashes);
  }

  /** The guest of a job begins. */
  began(id: string, crashes: number): void {
    const mark = runMark(id, crashes);
    const replaced = this.#provisional !== null && this.#provisional !== mark;
    if (this.#provisional !== null && replaced) this.#marks.delete(this.#provisional);
    this.#provisional = null;
    if (this.#marks.has(mark)) return;
    this.#marks.add(mark);
    // The first guest after a pause is written at once. So is a job that has been in a crash, which
    // is rare.
    this.#writeWithin(crashes > 0 || replaced ? 0 : this.#writtenAt + WRITE_EVERY_MS - performance.now());
  }

  /** As `began`; resolves when no crash can undo the record. */
  async beganDurably(id: string, crashes: number): Promise<void> {
    this.#marks.add(runMark(id, crashes));
    await this.#write();
  }

  ended(id: string, crashes: number): void {
    if (this.#marks.delete(runMark(id, crashes))) this.#writeWithin(END_WRITTEN_WITHIN_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#journal.close();
  }

  #writeWithin(ms: number): void {
    if (ms <= 0) {
      // Without the record a crash is nobody's fault, which costs one crash more and no invocation.
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
    return this.#journal.write([...this.#marks]);
  }
}
