import { FairQueue } from '../../src/concurrency/fair-queue.js';
import type { CpuSlots } from './cpu-slots.js';
import type { MemoryBudget, MemoryPartName } from './memory-budget.js';
import { mostMb, OVERTAKEN_FOR_MS } from './memory-part.js';
import type { Run } from './run.js';

/** The runs that have no thread yet: sync calls first, namespaces in turn. */
export class RunQueue {
  readonly #urgent = new FairQueue<Run>();
  readonly #others = new FairQueue<Run>();
  /** The run that no other may overtake any more in the ordinary part of the memory. */
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

  /**
   * Takes the next run that fits into a part of the memory; null when there is none.
   *
   * @param cpuSlots The slots of which the run needs one to begin; null when it does not begin yet,
   *   but is queued on a busy thread.
   */
  take(memory: MemoryBudget, cpuSlots: CpuSlots | null): { run: Run; part: MemoryPartName } | null {
    const now = performance.now();
    const roomMb = memory.availableMb;
    let overdue = this.#overdue;
    let part: MemoryPartName = 'ordinary';
    const mayStart = (run: Run) => {
      const isNext = overdue === null || run === overdue;
      part = isNext && mostMb(run) <= roomMb ? 'ordinary' : 'reserved';
      if (part === 'ordinary' || memory.fitsReserved(run)) return cpuSlots?.canStart(run) ?? true;
      if (isNext && now - run.queuedAt > OVERTAKEN_FOR_MS) overdue = run;
      return false;
    };
    const run = this.#urgent.take(mayStart) ?? this.#others.take(mayStart);
    this.#overdue = run === overdue ? null : overdue;
    return run === null ? null : { run, part };
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
