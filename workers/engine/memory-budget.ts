import { CountByKey } from '../../src/concurrency/count-by-key.js';
import { MemoryPart, mostMb } from './memory-part.js';
import type { Run } from './run.js';

/**
 * A smaller budget has no reserved part, because the rest would be too small for large guests. In
 * megabytes.
 */
const MIN_SHARED_MB = 1024;
const RESERVED_SHARE = 1 / 8;
/** Guests of a namespace with fewer guests than this may use reserved memory. */
const FEW_GUESTS = 4;

/** The part of the memory in which a run is charged. */
export type MemoryPartName = 'ordinary' | 'reserved';

/**
 * The memory that all guests of a process may have together. An eighth of it is reserved for
 * namespaces with few guests, so that no namespace holds all of it while another waits. Their
 * guests also resume there when the rest is full. Guests that wait to grow in one part do not block
 * guests of the other from beginning.
 */
export class MemoryBudget {
  readonly #ordinary: MemoryPart;
  readonly #reserved: MemoryPart;
  readonly #inReserve = new WeakSet<Run>();
  readonly #guests = new CountByKey();

  constructor(totalMb: number) {
    const reservedMb = totalMb < MIN_SHARED_MB ? 0 : Math.floor(totalMb * RESERVED_SHARE);
    this.#ordinary = new MemoryPart(totalMb - reservedMb);
    this.#reserved = new MemoryPart(reservedMb);
  }

  /** The memory that guests are charged for, in megabytes. */
  get mb(): number {
    return this.#ordinary.mb + this.#reserved.mb;
  }

  /** The free memory, in megabytes. */
  get freeMb(): number {
    return this.#ordinary.freeMb + this.#reserved.freeMb;
  }

  /** The memory that a starting guest may use in the ordinary part, in megabytes. */
  get availableMb(): number {
    return this.#ordinary.availableMb;
  }

  /** Whether a starting guest may use the reserved part. */
  fitsReserved(run: Run): boolean {
    return this.#guests.get(run.call.namespace) < FEW_GUESTS && mostMb(run) <= this.#reserved.availableMb;
  }

  start(run: Run, part: MemoryPartName): void {
    if (part === 'reserved') this.#inReserve.add(run);
    this.#guests.increment(run.call.namespace);
    this.#partOf(run).start(run);
  }

  /** Reduces the charge of a parked run to its current size in megabytes. */
  shrink(run: Run, mb: number): void {
    this.#partOf(run).shrink(run, mb);
    this.#resumeInReserve();
  }

  /** Calls `resume` when the run may grow again: immediately if it fits. */
  resume(run: Run, resume: () => void): void {
    this.#partOf(run).resume(run, resume);
    this.#resumeInReserve();
  }

  release(run: Run): void {
    this.#guests.decrement(run.call.namespace);
    this.#partOf(run).release(run);
    this.#inReserve.delete(run);
    this.#resumeInReserve();
  }

  /** Moves guests that wait to resume to the reserved part, as new guests may begin there. */
  #resumeInReserve(): void {
    while (this.#ordinary.hasResuming) {
      const taken = this.#ordinary.takeResuming(
        (run) =>
          this.#guests.get(run.call.namespace) <= FEW_GUESTS && mostMb(run) <= this.#reserved.availableMb,
      );
      if (taken === null) return;
      this.#inReserve.add(taken.run);
      this.#reserved.start(taken.run);
      taken.resume();
    }
  }

  #partOf(run: Run): MemoryPart {
    return this.#inReserve.has(run) ? this.#reserved : this.#ordinary;
  }
}
