import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';

/**
 * Guests beyond the number of cores that may compute so that no namespace waits for the long runs
 * of others.
 */
export const OVERCOMMITTED = 4;
/**
 * Beside a guest that has computed for longer than this, a namespace that has no guest computing
 * may start one.
 */
export const LONG_RUN_MS = 20;

/**
 * Counts computing and parked guests. As many guests compute as there are cores; others are parked
 * in a host call or a sleep. Runs of a program that mostly waits count as parked from the start.
 *
 * A namespace whose guests compute for long on every core does not keep another waiting: the other
 * may begin one run beside them. The operating system then shares the cores between the threads.
 */
export class CpuSlots {
  readonly #sizes: { threads: number; parked: number };
  readonly #stats: RunStats;
  readonly #computing = new Set<Run>();
  /** Computing guests that were started beside long ones. */
  readonly #joined = new Set<Run>();
  #parked = 0;

  constructor(sizes: { threads: number; parked: number }, stats: RunStats) {
    this.#sizes = sizes;
    this.#stats = stats;
  }

  get computing(): number {
    return this.#computing.size;
  }

  get parked(): number {
    return this.#parked;
  }

  /** No slot is free: only runs that may start beside long ones can begin. */
  get isFull(): boolean {
    return this.#computing.size >= this.#sizes.threads;
  }

  canStart(run: Run): boolean {
    return !this.isFull || this.#startsParked(run) || this.#mayJoin(run);
  }

  /** For a run that its thread begins now, whether or not a slot is free. */
  start(run: Run): void {
    if (this.#startsParked(run)) {
      this.#set(run, 'parked');
      return;
    }
    if (this.isFull) this.#joined.add(run);
    this.compute(run);
  }

  /** Releases the run's CPU slot. False, and it keeps the slot, when no more may be parked. */
  park(run: Run): boolean {
    if (run.cpuSlot !== 'computing' || this.#parked >= this.#sizes.parked) return false;
    this.#set(run, 'parked');
    return true;
  }

  /**
   * The run goes on. It does not wait for a slot: its own time is running, and a slot may be held
   * by a guest that computes for minutes. So more guests may compute for a while, and none begins
   * until they are fewer.
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

  /**
   * Every run that joins stands beside a long one of another namespace. How many compute does not
   * matter: those that go on after a wait do so whether a slot is free or not.
   */
  #mayJoin({ call }: Run): boolean {
    if (this.#joined.size >= OVERCOMMITTED || this.#sizes.threads === 0) return false;
    const longSince = performance.now() - LONG_RUN_MS;
    let long = 0;
    for (const other of this.#computing) {
      // Also one that is blocked and could not be parked, or sleepers of one namespace would all
      // join.
      if (other.call.namespace === call.namespace) return false;
      if (other.computesSince <= longSince) long++;
    }
    return long > this.#joined.size;
  }

  #set(run: Run, slot: Run['cpuSlot']): void {
    if (run.cpuSlot === 'computing') this.#computing.delete(run);
    if (run.cpuSlot === 'parked') this.#parked--;
    run.cpuSlot = slot;
    if (slot !== 'computing') this.#joined.delete(run);
    if (slot === 'computing') this.#computing.add(run);
    else if (!this.isFull || this.#computing.size === this.#sizes.threads) this.#joined.clear();
    if (slot === 'parked') this.#parked++;
  }
}
