import type { Program } from './wasm/program.js';

/** A run that is over so soon is not worth waking another thread beside it. */
const QUICK_MS = 0.3;
/** After so many in a row the next one is taken to be quick, too. */
const STREAK = 8;

/** Which programs' runs are over in no time. */
export class Pace {
  readonly #streaks = new WeakMap<Program, number>();

  /** `ms` is Infinity for a run that had to wait for something. */
  note(program: Program, ms: number): void {
    this.#streaks.set(program, ms <= QUICK_MS ? (this.#streaks.get(program) ?? 0) + 1 : 0);
  }

  isQuick(program: Program): boolean {
    return (this.#streaks.get(program) ?? 0) >= STREAK;
  }
}
