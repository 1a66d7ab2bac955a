import type { Program } from './wasm/program.js';

/** A run that is over so soon is not worth waking another thread beside it. */
const QUICK_MS = 0.3;
/** After so many in a row the next one is taken to be quick, too. */
const STREAK = 8;
/** A guest that waits computes no longer than this between its waits. */
const LITTLE_MS = 5;
/** What a quick run takes is averaged over about so many. */
const AVERAGED = 16;

/** How a program's runs went, which is how the next one is expected to go. */
interface Past {
  quickInARow: number;
  /** What a quick one takes, the last ones counting most. */
  quickMs: number;
  mostlyWaits: boolean;
}

/** Which programs' runs are over in no time, and which do little but wait. */
export class Pace {
  readonly #pasts = new WeakMap<Program, Past>();

  /** A run parked, so long after it had begun. */
  parked(program: Program, afterMs: number): void {
    const past = this.#pastOf(program);
    past.quickInARow = 0;
    past.mostlyWaits = afterMs <= LITTLE_MS;
  }

  /** A run computes for longer than it was expected to, and has not ended. */
  surprised(program: Program): void {
    this.#pasts.delete(program);
  }

  /** A run ended that had its thread computing for so long, cleaning up included. */
  ended(program: Program, { busyMs, waited }: { busyMs: number; waited: boolean }): void {
    const past = this.#pastOf(program);
    if (!waited && busyMs <= QUICK_MS) {
      past.quickInARow++;
      past.quickMs += (busyMs - past.quickMs) / Math.min(past.quickInARow, AVERAGED);
    } else past.quickInARow = 0;
    if (!waited || busyMs > LITTLE_MS) past.mostlyWaits = false;
  }

  /** What the next run is expected to take; null when it is not known to be a quick one. */
  quickMs(program: Program): number | null {
    const past = this.#pasts.get(program);
    return past !== undefined && past.quickInARow >= STREAK ? past.quickMs : null;
  }

  mostlyWaits(program: Program): boolean {
    return this.#pasts.get(program)?.mostlyWaits ?? false;
  }

  #pastOf(program: Program): Past {
    let past = this.#pasts.get(program);
    if (past === undefined) {
      past = { quickInARow: 0, quickMs: 0, mostlyWaits: false };
      this.#pasts.set(program, past);
    }
    return past;
  }
}
