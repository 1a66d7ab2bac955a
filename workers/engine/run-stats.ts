import type { Program } from '../wasm/run/program.js';

/**
 * A run that takes at most this long, in milliseconds, is short: waking another thread would take
 * longer.
 */
const SHORT_RUN_MS = 0.3;
/** After this many short runs in a row, the next run is expected to be short. */
const STREAK = 8;
/** A guest that mostly waits computes for at most this long between its waits, in milliseconds. */
const MOSTLY_WAITING_MS = 5;
/** The number of runs that the moving average of a short run's duration covers. */
const AVERAGED = 16;

/** Statistics of a program's runs, from which the next run is estimated. */
interface History {
  shortInARow: number;
  /** Exponential moving average of the durations of short runs, in milliseconds. */
  expectedShortMs: number;
  mostlyWaits: boolean;
}

/** Identifies programs whose runs are short, and programs that mostly wait. */
export class RunStats {
  readonly #histories = new WeakMap<Program, History>();

  /** Records that a run parked, and how long after it had begun, in milliseconds. */
  recordPark(program: Program, afterMs: number): void {
    const past = this.#historyOf(program);
    past.shortInARow = 0;
    past.mostlyWaits = afterMs <= MOSTLY_WAITING_MS;
  }

  /** Records that a run computes for longer than expected and has not ended. */
  recordOverrun(program: Program): void {
    this.#histories.delete(program);
  }

  /**
   * Records the end of a run, and how long its thread was busy with it, including the reset, in
   * milliseconds.
   */
  recordEnd(program: Program, { busyMs, waited }: { busyMs: number; waited: boolean }): void {
    const past = this.#historyOf(program);
    if (!waited && busyMs <= SHORT_RUN_MS) {
      past.shortInARow++;
      past.expectedShortMs += (busyMs - past.expectedShortMs) / Math.min(past.shortInARow, AVERAGED);
    } else past.shortInARow = 0;
    if (!waited || busyMs > MOSTLY_WAITING_MS) past.mostlyWaits = false;
  }

  /**
   * Returns the expected duration of the next run in milliseconds; null when it is not expected to
   * be short.
   */
  expectedShortMs(program: Program): number | null {
    const past = this.#histories.get(program);
    return past !== undefined && past.shortInARow >= STREAK ? past.expectedShortMs : null;
  }

  mostlyWaits(program: Program): boolean {
    return this.#histories.get(program)?.mostlyWaits ?? false;
  }

  #historyOf(program: Program): History {
    let past = this.#histories.get(program);
    if (past === undefined) {
      past = { shortInARow: 0, expectedShortMs: 0, mostlyWaits: false };
      this.#histories.set(program, past);
    }
    return past;
  }
}
