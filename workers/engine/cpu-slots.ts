import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';

/**
 * The number of guests that may compute in addition to one per core, so that no namespace waits for
 * long runs of others.
 */
export const OVERCOMMITTED = 4;
/**
 * A guest that has held a CPU slot for longer than this in all, in milliseconds, counts as long:
 * beside it, a namespace without a computing guest may start one.
 */
export const LONG_RUN_MS = 20;

/**
 * Counts computing and parked guests. At most as many guests compute as there are cores; the others
 * are parked in a host call or a sleep. Runs of a program that mostly waits count as parked from
 * the start.
 *
 * A namespace whose guests compute for long on every core does not block other namespaces: each of
 * them may start one run in addition. The operating system then shares the cores between the
 * threads.
 *
 * While a module is compiled, its thread takes one of the cores: otherwise the guests of one
 * namespace, together with the work that they cause on the main thread, would leave a deploy of
 * another one a fraction of a core.
 */
export class CpuSlots {
  readonly #sizes: { threads: number; parked: number };
  readonly #stats: RunStats;
  readonly #computing = new Set<Run>();
  /** Computing guests that were started beside long ones. */
  readonly #joined = new Set<Run>();
  #parked = 0;
  #isCompiling = false;

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

  /** Whether no slot is free, so that only runs that may start beside long ones can begin. */
  get isFull(): boolean {
    return this.#computing.size >= this.#size;
  }

  /** Whether modules are being compiled. The last slot always remains for guests. */
  set isCompiling(isCompiling: boolean) {
    this.#isCompiling = isCompiling;
    this.#clearJoined();
  }

  get #size(): number {
    const { threads } = this.#sizes;
    return this.#isCompiling && threads > 1 ? threads - 1 : threads;
  }

  canStart(run: Run): boolean {
    return !this.isFull || this.#startsParked(run) || this.#mayJoin(run);
  }

  /** Starts a run that its thread begins now, whether or not a slot is free. */
  start(run: Run): void {
    if (this.#startsParked(run)) {
      this.#set(run, 'parked');
      return;
    }
    if (this.isFull) this.#joined.add(run);
    this.compute(run);
  }

  /**
   * Releases the run's CPU slot. Returns false, and the run keeps its slot, when no more guests may
   * be parked.
   */
  park(run: Run): boolean {
    if (run.cpuSlot !== 'computing' || this.#parked >= this.#sizes.parked) return false;
    this.#set(run, 'parked');
    return true;
  }

  /**
   * Resumes a parked run. The run does not wait for a slot, because its deadline keeps running and
   * a slot may be held by a guest that computes for minutes. More guests than cores may thus
   * compute for a while; no run begins until there are fewer.
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
   * Returns whether a run may start beside a long run of another namespace: one joined run per long
   * run. The number of computing guests does not matter, because runs that resume after a wait do
   * so without a free slot.
   */
  #mayJoin({ call }: Run): boolean {
    if (this.#joined.size >= OVERCOMMITTED || this.#sizes.threads === 0) return false;
    const now = performance.now();
    let long = 0;
    for (const other of this.#computing) {
      // Includes a blocked guest that could not be parked: otherwise all sleeping guests of one
      // namespace would join.
      if (other.call.namespace === call.namespace) return false;
      if (other.slotMs + now - other.slotSince >= LONG_RUN_MS) long++;
    }
    return long > this.#joined.size;
  }

  #set(run: Run, slot: Run['cpuSlot']): void {
    if (run.cpuSlot === slot) return;
    if (run.cpuSlot === 'computing') {
      this.#computing.delete(run);
      run.slotMs += performance.now() - run.slotSince;
    }
    if (run.cpuSlot === 'parked') this.#parked--;
    run.cpuSlot = slot;
    if (slot !== 'computing') this.#joined.delete(run);
    if (slot === 'computing') {
      this.#computing.add(run);
      run.slotSince = performance.now();
    } else this.#clearJoined();
    if (slot === 'parked') this.#parked++;
  }

  /** Once there are no more computing guests than slots, none of them is there in addition. */
  #clearJoined(): void {
    if (this.#computing.size <= this.#size) this.#joined.clear();
  }
}
