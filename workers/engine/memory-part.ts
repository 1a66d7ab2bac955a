import { FairQueue } from '../../src/concurrency/fair-queue.js';
import type { Run } from './run.js';

/**
 * How long others may overtake a guest that is too large for the free memory, in milliseconds:
 * those that begin as well as those that resume.
 */
export const OVERTAKEN_FOR_MS = 1000;

/** When a guest began to wait until it may grow again, and what is called then. */
interface Resumption {
  since: number;
  resume: () => void;
}

/** The memory that a guest may come to use, in megabytes. */
export function mostMb({ program, heapMb }: Pick<Run, 'program' | 'heapMb'>): number {
  return program.limitMb + heapMb;
}

/**
 * A part of the memory budget. A guest that may grow is charged its limit. A parked guest cannot
 * grow and is charged its current size until it resumes; then its limit must fit again. What a
 * guest may hold outside its memory is charged in both cases.
 *
 * To prevent a deadlock, no guest starts unless the parked guest with the largest difference
 * between limit and size could still resume.
 */
export class MemoryPart {
  readonly #totalMb: number;
  /** The size that each parked run is charged, in megabytes. */
  readonly #parkedMb = new Map<Run, number>();
  readonly #resuming = new FairQueue<Run>();
  readonly #resumptions = new Map<Run, Resumption>();
  /** The guest that no other may overtake any more. */
  #overdue: Run | null = null;
  /** The number of guests that are not parked. */
  #computing = 0;
  #mb = 0;

  constructor(totalMb: number) {
    this.#totalMb = totalMb;
  }

  /** The memory that guests are charged for, in megabytes. */
  get mb(): number {
    return this.#mb;
  }

  /** The free memory, in megabytes. */
  get freeMb(): number {
    return this.#totalMb - this.#mb;
  }

  /** Whether guests wait to resume. */
  get hasResuming(): boolean {
    return this.#resuming.length > 0;
  }

  /**
   * The memory that a starting guest may use, in megabytes; 0 while other guests wait to resume.
   */
  get availableMb(): number {
    if (this.hasResuming) return 0;
    let most = 0;
    for (const run of this.#parkedMb.keys()) most = Math.max(most, this.#growthOf(run));
    return this.freeMb - most;
  }

  start(run: Run): void {
    this.#computing++;
    this.#mb += mostMb(run);
  }

  /** Reduces the charge of a parked run to its current size in megabytes. */
  shrink(run: Run, mb: number): void {
    if (this.#parkedMb.has(run)) return;
    const counted = Math.min(mb, run.program.limitMb) + run.heapMb;
    this.#computing--;
    this.#parkedMb.set(run, counted);
    this.#mb -= mostMb(run) - counted;
    this.#admitResuming();
  }

  /** Calls `resume` when the run may grow again: immediately if it fits. */
  resume(run: Run, resume: () => void): void {
    if (this.#parkedMb.has(run)) {
      this.#resumptions.set(run, { since: performance.now(), resume });
      this.#resuming.push(run.call.namespace, run);
      this.#admitResuming();
    } else resume();
  }

  release(run: Run): void {
    if (this.#resumptions.delete(run)) this.#resuming.remove(run.call.namespace, run);
    if (this.#overdue === run) this.#overdue = null;
    this.#mb -= this.#parkedMb.get(run) ?? mostMb(run);
    if (!this.#parkedMb.delete(run)) this.#computing--;
    this.#admitResuming();
  }

  /**
   * Removes a guest that waits to resume, with its charge, for another part. Only the first guest
   * of each namespace is offered. Returns null if none is accepted.
   */
  takeResuming(accept: (run: Run) => boolean): { run: Run; resume: () => void } | null {
    const run = this.#resuming.take(accept);
    const resumption = run === null ? undefined : this.#resumptions.get(run);
    if (run === null || resumption === undefined) return null;
    this.release(run);
    return { run, resume: resumption.resume };
  }

  #admitResuming(): void {
    for (let run = this.#takeNext(); run !== null; run = this.#takeNext()) {
      const resumption = this.#resumptions.get(run);
      if (this.#overdue === run) this.#overdue = null;
      this.#computing++;
      this.#mb += this.#growthOf(run);
      this.#parkedMb.delete(run);
      this.#resumptions.delete(run);
      resumption?.resume();
    }
  }

  /**
   * Takes the guest that may resume next: namespaces in turn, each in the order in which its waits
   * ended. One that does not fit is overtaken for a while by those of other namespaces that do.
   */
  #takeNext(): Run | null {
    const now = performance.now();
    const next = this.#resuming.take((run) => {
      if (this.#overdue !== null && this.#overdue !== run) return false;
      if (this.#growthOf(run) <= this.freeMb) return true;
      if (now - (this.#resumptions.get(run)?.since ?? now) > OVERTAKEN_FOR_MS) this.#overdue = run;
      return false;
    });
    return next ?? (this.#computing === 0 ? this.#takeAnyThatFits() : null);
  }

  /**
   * Takes any guest that fits. While no guest computes, no memory becomes free for the one whose
   * turn it is, and all would wait until their timeouts. The guest that computed last fits.
   */
  #takeAnyThatFits(): Run | null {
    for (const run of this.#resumptions.keys()) {
      if (this.#growthOf(run) > this.freeMb) continue;
      this.#resuming.remove(run.call.namespace, run);
      return run;
    }
    return null;
  }

  #growthOf(run: Run): number {
    return mostMb(run) - (this.#parkedMb.get(run) ?? 0);
  }
}
