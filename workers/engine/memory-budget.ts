import type { Run } from './run.js';

/**
 * Bounds the memory of all guests of a pool. A guest that may grow counts with its limit; a parked
 * one cannot grow and counts with its present size until it resumes: then its limit must fit again.
 *
 * To rule out a deadlock, no guest starts unless the parked one with the largest difference between
 * limit and size could still resume.
 */
export class MemoryBudget {
  readonly #budgetMb: number;
  readonly #blocked = new Map<Run, number>();
  readonly #resuming: { run: Run; restore: () => void }[] = [];
  #mb = 0;

  constructor(budgetMb: number) {
    this.#budgetMb = budgetMb;
  }

  /** Megabytes that guests count with. */
  get mb(): number {
    return this.#mb;
  }

  /** Megabytes that are free. */
  get freeMb(): number {
    return this.#budgetMb - this.#mb;
  }

  /** What a starting guest may take; nothing while others wait to resume. */
  get availableMb(): number {
    if (this.#resuming.length > 0) return 0;
    let most = 0;
    for (const [run, mb] of this.#blocked) most = Math.max(most, run.program.limitMb - mb);
    return this.freeMb - most;
  }

  start({ program }: Run): void {
    this.#mb += program.limitMb;
  }

  /** For a run that is parked, with its present size. */
  shrink(run: Run, mb: number): void {
    if (this.#blocked.has(run)) return;
    const counted = Math.min(mb, run.program.limitMb);
    this.#blocked.set(run, counted);
    this.#mb -= run.program.limitMb - counted;
    this.#admitResuming();
  }

  /** Calls back when the run may grow again: at once, if it fits. */
  goOn(run: Run, goOn: () => void): void {
    if (this.#blocked.has(run)) {
      this.#resuming.push({ run, restore: goOn });
      this.#admitResuming();
    } else goOn();
  }

  release(run: Run): void {
    this.#mb -= this.#blocked.get(run) ?? run.program.limitMb;
    this.#blocked.delete(run);
    const at = this.#resuming.findIndex((each) => each.run === run);
    if (at >= 0) this.#resuming.splice(at, 1);
    this.#admitResuming();
  }

  /**
   * In the order in which their waits ended: the first one fits at the latest when all running
   * guests have ended.
   */
  #admitResuming(): void {
    for (let first = this.#resuming[0]; first !== undefined; first = this.#resuming[0]) {
      const { run, restore: goOn } = first;
      const grows = run.program.limitMb - (this.#blocked.get(run) ?? 0);
      if (grows > this.freeMb) return;
      this.#resuming.shift();
      this.#blocked.delete(run);
      this.#mb += grows;
      goOn();
    }
  }
}
