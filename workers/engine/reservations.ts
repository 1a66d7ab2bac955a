import type { GuestThread, LoadedProgram } from '../threads/guest-thread.js';
import { CpuSlots } from './cpu-slots.js';
import { MemoryBudget, type MemoryPartName } from './memory-budget.js';
import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';
import { ThreadQueues } from './thread-queues.js';
import { WarmInstances } from './warm-instances.js';

/**
 * The share of guest memory that warm instances may fill: otherwise a thousand rarely invoked
 * functions would take a megabyte or more each.
 */
const WARM_FRACTION = 1 / 12;

/**
 * The resources of a process that runs reserve: a place in a thread's queue, a CPU slot and memory.
 * All of them are reserved and released together, and accounted together with the warm instances
 * that threads keep, so that their sums always agree.
 */
export class Reservations {
  readonly queues = new ThreadQueues();
  readonly memory: MemoryBudget;
  readonly cpuSlots: CpuSlots;
  readonly warm: WarmInstances;

  readonly #stats: RunStats;
  readonly #isCached: (key: string) => boolean;

  /** @param isCached Returns whether a program is expected to run again; see `SchedulerOptions`. */
  constructor(
    sizes: { threads: number; parked: number; memoryMb: number },
    stats: RunStats,
    isCached: (key: string) => boolean,
  ) {
    this.#stats = stats;
    this.#isCached = isCached;
    this.memory = new MemoryBudget(sizes.memoryMb);
    this.warm = new WarmInstances(sizes.memoryMb * WARM_FRACTION);
    this.cpuSlots = new CpuSlots(sizes, stats);
  }

  /**
   * Reserves the resources of a run before it is passed to a thread: it becomes the thread's
   * current run, or is queued behind it.
   */
  reserve(run: Run, thread: GuestThread, part: MemoryPartName): void {
    const loaded = thread.programs.get(run.key);
    if (loaded !== undefined) this.warm.remove(loaded);
    this.memory.start(run, part);
    this.evictWarm();
    run.thread = thread;
    run.phase = 'next';
    this.queues.add(thread, run);
    if (this.queues.current(thread) === run) this.begin(run);
  }

  /** Marks a run as its thread's current run. */
  begin(run: Run): void {
    this.cpuSlots.start(run);
    run.phase = 'computing';
    run.computesSince = performance.now();
    run.call.onBegin?.();
  }

  /**
   * Parks a run that waits for something outside. Returns false when the run keeps its CPU slot
   * because no more runs may be parked.
   */
  park(run: Run): boolean {
    this.memory.shrink(run, run.slot?.memoryMb ?? run.program.limitMb);
    if (!this.cpuSlots.park(run)) return false;
    this.#stats.recordPark(run.program, run.slot?.elapsedMs ?? 0);
    return true;
  }

  /**
   * Calls `resume` to let the guest continue, as soon as its memory limit fits again.
   */
  resume(run: Run, resume: () => void): void {
    if (run.stopReason !== null || run.thread === null) return;
    this.memory.resume(run, () => {
      if (run.stopReason !== null) return;
      this.evictWarm();
      this.cpuSlots.resume(run);
      run.phase = 'computing';
      run.computesSince = performance.now();
      run.blockedIn = null;
      resume();
    });
  }

  /**
   * Releases the resources of a run that has ended. Its thread keeps `keptBytes` as a warm instance
   * of its program.
   */
  release(run: Run, thread: GuestThread, keptBytes: number): void {
    this.queues.remove(thread, run);
    this.memory.release(run);
    this.cpuSlots.release(run);
    if (run.slot !== null) thread.releaseSlot(run.slot);
    const loaded = thread.programs.get(run.key);
    if (loaded !== undefined) this.#keepIfCached(loaded, keptBytes);
    this.evictWarm();
  }

  /** Releases the resources of a queued run that will not begin on its thread. */
  releaseUnstarted(run: Run, thread: GuestThread): void {
    this.queues.remove(thread, run);
    this.memory.release(run);
    if (run.slot !== null) thread.releaseSlot(run.slot);
    run.phase = 'waiting';
    run.thread = null;
    run.slot = null;
    const loaded = thread.programs.get(run.key);
    if (loaded !== undefined) this.#keepIfCached(loaded, loaded.keptBytes);
  }

  /**
   * Withdraws the runs of a thread's queue that it has not begun, and returns them, the last first.
   * None of them will begin on this thread.
   */
  withdrawQueued(thread: GuestThread): Run[] {
    const queue = this.queues.of(thread);
    if (queue.length < 2) return [];
    const unstarted = queue
      .slice(1)
      .reverse()
      .filter(({ slot }) => slot?.withdraw() === true);
    for (const run of unstarted) this.releaseUnstarted(run, thread);
    return unstarted;
  }

  /**
   * Updates the size of a program's warm instance. The instance may be evicted unless a run of its
   * program is queued on the thread.
   */
  keepWarm(loaded: LoadedProgram, bytes: number): void {
    if (this.#isQueued(loaded)) loaded.keptBytes = bytes;
    else this.warm.add(loaded, bytes);
  }

  /**
   * Has the thread drop a program, unless a run of it is queued there: then when that has ended.
   */
  unload(loaded: LoadedProgram): void {
    if (this.#isQueued(loaded)) return;
    this.warm.remove(loaded);
    loaded.thread.unload(loaded.key);
  }

  /** The program may have been unloaded while its run was queued or waited for a thread. */
  #keepIfCached(loaded: LoadedProgram, bytes: number): void {
    this.keepWarm(loaded, bytes);
    if (!this.#isCached(loaded.key)) this.unload(loaded);
  }

  /** Evicts warm instances in favour of running guests. */
  evictWarm(): void {
    this.warm.shrinkTo(this.memory.freeMb);
  }

  #isQueued({ thread, key }: LoadedProgram): boolean {
    return this.queues.of(thread).some((run) => run.key === key);
  }
}
