import type { GuestThread, LoadedProgram } from '../threads/guest-thread.js';
import { CpuSlots } from './cpu-slots.js';
import { GuestMemory } from './guest-memory.js';
import type { Run } from './run.js';
import type { RunStats } from './run-stats.js';
import { ThreadQueues } from './thread-queues.js';
import { WarmInstances } from './warm-instances.js';

/**
 * Of the memory for guests, what kept instances may fill: a thousand functions of which each is
 * invoked now and then would take a megabyte and more each.
 */
const KEPT_SHARE = 1 / 8;

/**
 * What runs hold of a pool (a thread's line, a place, memory) and what threads keep for the next
 * ones. Given and given back together, so that no sum is ever left wrong.
 */
export class Reservations {
  readonly queues = new ThreadQueues();
  readonly memory: GuestMemory;
  readonly cpuSlots: CpuSlots;
  readonly warm: WarmInstances;

  readonly #stats: RunStats;

  constructor(sizes: { threads: number; parked: number; memoryMb: number }, pace: RunStats) {
    this.#stats = pace;
    this.memory = new GuestMemory(sizes.memoryMb);
    this.warm = new WarmInstances(sizes.memoryMb * KEPT_SHARE);
    this.cpuSlots = new CpuSlots(sizes, pace);
  }

  /** For a run that a thread is about to get: it is what the thread is at, or next there. */
  reserve(run: Run, thread: GuestThread): void {
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.warm.remove(given);
    this.memory.start(run);
    this.evictWarm();
    run.thread = thread;
    run.phase = 'next';
    this.queues.add(thread, run);
    if (this.queues.current(thread) === run) this.begin(run);
  }

  /** Its thread is at it from now on. */
  begin(run: Run): void {
    this.cpuSlots.start(run);
    run.phase = 'computing';
    run.computesSince = performance.now();
    run.call.onBegin?.();
  }

  /**
   * For a run that waits for something outside. False when it keeps its place: no more may wait
   * beside those that compute.
   */
  park(run: Run): boolean {
    this.memory.shrink(run, run.slot?.memoryMb ?? run.program.limitMb);
    if (!this.cpuSlots.park(run)) return false;
    this.#stats.recordPark(run.program, Date.now() - (run.slot?.startedAt ?? 0));
    return true;
  }

  /** The guest goes on, as soon as it fits into the memory again. */
  resume(run: Run, goOn: () => void): void {
    if (run.stopReason !== null || run.thread === null) return;
    this.memory.goOn(run, () => {
      if (run.stopReason !== null) return;
      this.evictWarm();
      this.cpuSlots.resume(run);
      run.phase = 'computing';
      run.computesSince = performance.now();
      run.blockedIn = null;
      goOn();
    });
  }

  /** For a run that its thread was at, which keeps so much for the next one of its program. */
  release(run: Run, thread: GuestThread, keptBytes: number): void {
    this.queues.remove(thread, run);
    this.memory.release(run);
    this.cpuSlots.release(run);
    if (run.slot !== null) thread.releaseSlot(run.slot);
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.keepWarm(given, keptBytes);
    this.evictWarm();
  }

  /** For a run that was next on a thread and will not begin there. */
  releaseUnstarted(run: Run, thread: GuestThread): void {
    this.queues.remove(thread, run);
    this.memory.release(run);
    if (run.slot !== null) thread.releaseSlot(run.slot);
    run.phase = 'waiting';
    run.thread = null;
    run.slot = null;
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.keepWarm(given, given.keptBytes);
  }

  /**
   * What is next on a thread, as far as it has not begun it: the last first. None of it will begin
   * there.
   */
  withdrawQueued(thread: GuestThread): Run[] {
    const line = this.queues.of(thread);
    if (line.length < 2) return [];
    const unbegun = line
      .slice(1)
      .reverse()
      .filter(({ slot }) => slot?.withdraw() === true);
    for (const run of unbegun) this.releaseUnstarted(run, thread);
    return unbegun;
  }

  /** What a thread keeps for a program may be given up, unless a run of it is next there. */
  keepWarm(given: LoadedProgram, bytes: number): void {
    if (this.#isQueued(given)) given.keptBytes = bytes;
    else this.warm.add(given, bytes);
  }

  unload(given: LoadedProgram): void {
    if (this.#isQueued(given)) return;
    this.warm.remove(given);
    given.thread.unload(given.key);
  }

  /** Kept instances give way to guests that run. */
  evictWarm(): void {
    this.warm.shrinkTo(this.memory.freeMb);
  }

  #isQueued({ thread, key }: LoadedProgram): boolean {
    return this.queues.of(thread).some((run) => run.key === key);
  }
}
