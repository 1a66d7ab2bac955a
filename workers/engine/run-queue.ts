import { FairQueue } from '../../src/concurrency/fair-queue.js';
import type { MemoryPool } from './memory-pool.js';
import type { Run } from './run.js';

/**
 * How long other guests may overtake a guest that is too large for the free memory, in
 * milliseconds.
 */
const OVERTAKEN_FOR_MS = 1000;

/** The runs that have no thread yet: sync calls first, namespaces in turn. */
export class RunQueue {
  readonly #urgent = new FairQueue<Run>();
  readonly #others = new FairQueue<Run>();
  #overdue: Run | null = null;

  get length(): number {
    return this.#urgent.length + this.#others.length;
  }

  push(run: Run): void {
    this.#queueOf(run).push(run.call.namespace, run);
  }

  /** Queues a run that was withdrawn from its thread, ahead of the namespace's other runs. */
  requeue(run: Run): void {
    this.#queueOf(run).requeue(run.call.namespace, run);
  }

  /** Takes the next run that fits into the memory and may begin; null when there is none. */
  take(memory: MemoryPool, mayBegin: (run: Run) => boolean): Run | null {
    const now = performance.now();
    const roomMb = memory.availableMb;
    const fits = (run: Run) => {
      const isNext = this.#overdue === null || run === this.#overdue;
      if (isNext && run.program.limitMb <= roomMb) return mayBegin(run);
      if (memory.mayReserve(run)) {
        if (!mayBegin(run)) return false;
        memory.reserve(run);
        return true;
      }
      if (isNext && now - run.queuedAt > OVERTAKEN_FOR_MS) this.#overdue = run;
      return false;
    };
    const run = this.#urgent.take(fits) ?? this.#others.take(fits);
    if (run !== null && run === this.#overdue) this.#overdue = null;
    return run;
  }

  remove(run: Run): void {
    this.#queueOf(run).remove(run.call.namespace, run);
    if (this.#overdue === run) this.#overdue = null;
  }

  drain(): Run[] {
    return [...this.#urgent.drain(), ...this.#others.drain()];
  }

  #queueOf({ call }: Run): FairQueue<Run> {
    return call.urgent === true ? this.#urgent : this.#others;
  }
}
