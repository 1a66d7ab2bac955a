import type { Run } from './run.js';

/**
 * The memory of the guests that a pool runs, which never take more than the budget together. One
 * that may grow counts with its limit; one that waits cannot grow and counts with what it has,
 * until it goes on: then its limit must fit again.
 *
 * So that they never all wait for each other, no guest begins unless the one that has most to grow
 * could still go on.
 */
export class MemoryBudget {
  readonly #budgetMb: number;
  readonly #blocked = new Map<Run, number>();
  readonly #resuming: { run: Run; restore: () => void }[] = [];
  #mb = 0;

  constructor(budgetMb: number) {
    this.#budgetMb = budgetMb;
  }

  /** What guests are counted with. */
  get mb(): number {
    return this.#mb;
  }

  /** What no guest is counted with. */
  get freeMb(): number {
    return this.#budgetMb - this.#mb;
  }

  /** What a guest that begins may take; nothing while others wait to go on. */
  get availableMb(): number {
    if (this.#resuming.length > 0) return 0;
    let most = 0;
    for (const [run, mb] of this.#blocked) most = Math.max(most, run.program.limitMb - mb);
    return this.freeMb - most;
  }

  start({ program }: Run): void {
    this.#mb += program.limitMb;
  }

  /** For a run that waits, with what it has. */
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
   * In the order in which their waits ended: the first one always fits when those that go on now
   * have ended.
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
