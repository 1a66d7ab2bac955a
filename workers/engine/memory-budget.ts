import type { Run } from './run.js';

/**
 * Limits the memory of a process's guests. A guest that may grow is charged its limit. A parked
 * guest cannot grow and is charged its current size until it resumes; then its limit must fit
 * again.
 *
 * To prevent a deadlock, no guest starts unless the parked guest with the largest difference
 * between limit and size could still resume.
 */
export class MemoryBudget {
  readonly #budgetMb: number;
  /** The size that each parked run is charged, in megabytes. */
  readonly #parkedMb = new Map<Run, number>();
  readonly #resuming: { run: Run; resume: () => void }[] = [];
  #mb = 0;

  constructor(budgetMb: number) {
    this.#budgetMb = budgetMb;
  }

  /** The memory that guests are charged for, in megabytes. */
  get mb(): number {
    return this.#mb;
  }

  /** The free memory, in megabytes. */
  get freeMb(): number {
    return this.#budgetMb - this.#mb;
  }

  /**
   * The memory that a starting guest may use, in megabytes; 0 while other guests wait to resume.
   */
  get availableMb(): number {
    if (this.#resuming.length > 0) return 0;
    let most = 0;
    for (const [run, mb] of this.#parkedMb) most = Math.max(most, run.program.limitMb - mb);
    return this.freeMb - most;
  }

  start({ program }: Run): void {
    this.#mb += program.limitMb;
  }

  /** Reduces the charge of a parked run to its current size in megabytes. */
  shrink(run: Run, mb: number): void {
    if (this.#parkedMb.has(run)) return;
    const counted = Math.min(mb, run.program.limitMb);
    this.#parkedMb.set(run, counted);
    this.#mb -= run.program.limitMb - counted;
    this.#admitResuming();
  }

  /** Calls `resume` when the run may grow again: immediately if it fits. */
  resume(run: Run, resume: () => void): void {
    if (this.#parkedMb.has(run)) {
      this.#resuming.push({ run, resume });
      this.#admitResuming();
    } else resume();
  }

  release(run: Run): void {
    this.#mb -= this.#parkedMb.get(run) ?? run.program.limitMb;
    this.#parkedMb.delete(run);
    const at = this.#resuming.findIndex((each) => each.run === run);
    if (at >= 0) this.#resuming.splice(at, 1);
    this.#admitResuming();
  }

  /**
   * Resumes guests in the order in which their waits ended. The first fits at the latest when all
   * running guests have ended.
   */
  #admitResuming(): void {
    for (let first = this.#resuming[0]; first !== undefined; first = this.#resuming[0]) {
      const { run, resume } = first;
      const grows = run.program.limitMb - (this.#parkedMb.get(run) ?? 0);
      if (grows > this.freeMb) return;
      this.#resuming.shift();
      this.#parkedMb.delete(run);
      this.#mb += grows;
      resume();
    }
  }
}
