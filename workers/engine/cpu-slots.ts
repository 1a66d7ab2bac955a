import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';

/**
 * Who computes and who waits. As many guests compute as there are cores, others wait beside them in a host call or a sleep;
 * those of a program that does little else are counted among the waiting from the beginning.
 */
export class CpuSlots {
  readonly #sizes: { threads: number; parked: number };
  readonly #stats: RunStats;
  #computing = 0;
  #parked = 0;

  constructor(sizes: { threads: number; parked: number }, pace: RunStats) {
    this.#sizes = sizes;
    this.#stats = pace;
  }

  get computing(): number {
    return this.#computing;
  }

  get parked(): number {
    return this.#parked;
  }

  canStart(run: Run): boolean {
    return this.#computing < this.#sizes.threads || this.#startsParked(run);
  }

  /** For a run that its thread begins now, whether there is room or not. */
  start(run: Run): void {
    if (this.#startsParked(run)) this.#set(run, 'parked');
    else this.compute(run);
  }

  /** Gives the run's place among those that compute away. False when it stays: there is no room for one more that waits. */
  park(run: Run): boolean {
    if (run.cpuSlot !== 'computing' || this.#parked >= this.#sizes.parked) return false;
    this.#set(run, 'parked');
    return true;
  }

  /**
   * The run goes on. It does not wait for a place: its own time is running, and one may be held by a guest that computes for
   * minutes. So more guests may compute for a while, and none begins until they are fewer.
   */
  resume(run: Run): void {
    if (!this.#stats.mostlyWaits(run.program)) this.compute(run);
  }

  compute(run: Run): void {
    this.#set(run, 'computing');
  }

  release(run: Run): void {
    this.#set(run, null);
  }

  #startsParked(run: Run): boolean {
    return this.#parked < this.#sizes.parked && this.#stats.mostlyWaits(run.program);
  }

  #set(run: Run, place: Run['cpuSlot']): void {
    if (run.cpuSlot === 'computing') this.#computing--;
    if (run.cpuSlot === 'parked') this.#parked--;
    run.cpuSlot = place;
    if (place === 'computing') this.#computing++;
    if (place === 'parked') this.#parked++;
  }
}
