import type { Run } from './run.js';

/**
 * The memory of the guests that a pool runs, which never take more than the budget together. One that may grow counts with
 * its limit; one that waits cannot grow and counts with what it has, until it goes on: then its limit must fit again.
 *
 * So that they never all wait for each other, no guest begins unless the one that has most to grow could still go on.
 */
export class Memory {
  readonly #budgetMb: number;
  readonly #waiting = new Map<Run, number>();
  readonly #returning: { run: Run; goOn: () => void }[] = [];
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
  get roomMb(): number {
    if (this.#returning.length > 0) return 0;
    let most = 0;
    for (const [run, mb] of this.#waiting) most = Math.max(most, run.program.limitMb - mb);
    return this.freeMb - most;
  }

  begin({ program }: Run): void {
    this.#mb += program.limitMb;
  }

  /** For a run that waits, with what it has. */
  wait(run: Run, mb: number): void {
    if (this.#waiting.has(run)) return;
    const counted = Math.min(mb, run.program.limitMb);
    this.#waiting.set(run, counted);
    this.#mb -= run.program.limitMb - counted;
    this.#letOn();
  }

  /** Calls back when the run may grow again: at once, if it fits. */
  goOn(run: Run, goOn: () => void): void {
    if (this.#waiting.has(run)) {
      this.#returning.push({ run, goOn });
      this.#letOn();
    } else goOn();
  }

  end(run: Run): void {
    this.#mb -= this.#waiting.get(run) ?? run.program.limitMb;
    this.#waiting.delete(run);
    const at = this.#returning.findIndex((each) => each.run === run);
    if (at >= 0) this.#returning.splice(at, 1);
    this.#letOn();
  }

  /** In the order in which their waits ended: the first one always fits when those that go on now have ended. */
  #letOn(): void {
    for (let first = this.#returning[0]; first !== undefined; first = this.#returning[0]) {
      const { run, goOn } = first;
      const grows = run.program.limitMb - (this.#waiting.get(run) ?? 0);
      if (grows > this.freeMb) return;
      this.#returning.shift();
      this.#waiting.delete(run);
      this.#mb += grows;
      goOn();
    }
  }
}
