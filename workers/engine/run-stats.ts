import type { Program } from '../wasm/run/program.js';

/** A run that takes no longer than this is quick: waking another thread beside it costs more. */
const SHORT_RUN_MS = 0.3;
/** After so many quick runs in a row the next one is expected to be quick. */
const STREAK = 8;
/** A guest that waits computes no longer than this between its waits. */
const MOSTLY_WAITING_MS = 5;
/** What a quick run takes is averaged over about so many. */
const AVERAGED = 16;

/** Statistics of a program's runs, by which the next one is estimated. */
interface History {
  quickInARow: number;
  /** Exponential moving average of the quick ones. */
  expectedShortMs: number;
  mostlyWaits: boolean;
}

/** Tells programs whose runs are quick, and those that mostly wait. */
export class RunStats {
  readonly #histories = new WeakMap<Program, History>();

  /** A run parked, so long after it had begun. */
  recordPark(program: Program, afterMs: number): void {
    const past = this.#historyOf(program);
    past.quickInARow = 0;
    past.mostlyWaits = afterMs <= MOSTLY_WAITING_MS;
  }

  /** A run computes for longer than it was expected to, and has not ended. */
  recordOverrun(program: Program): void {
    this.#histories.delete(program);
  }

  /** A run ended that had its thread computing for so long, cleaning up included. */
  recordEnd(program: Program, { busyMs, waited }: { busyMs: number; waited: boolean }): void {
    const past = this.#historyOf(program);
    if (!waited && busyMs <= SHORT_RUN_MS) {
      past.quickInARow++;
      past.expectedShortMs += (busyMs - past.expectedShortMs) / Math.min(past.quickInARow, AVERAGED);
    } else past.quickInARow = 0;
    if (!waited || busyMs > MOSTLY_WAITING_MS) past.mostlyWaits = false;
  }

  /** What the next run is expected to take; null when it is not known to be a quick one. */
  quickMs(program: Program): number | null {
    const past = this.#histories.get(program);
    return past !== undefined && past.quickInARow >= STREAK ? past.expectedShortMs : null;
  }

  mostlyWaits(program: Program): boolean {
    return this.#histories.get(program)?.mostlyWaits ?? false;
  }

  #historyOf(program: Program): History {
    let past = this.#histories.get(program);
    if (past === undefined) {
      past = { quickInARow: 0, expectedShortMs: 0, mostlyWaits: false };
      this.#histories.set(program, past);
    }
    return past;
  }
}
