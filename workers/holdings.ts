import type { Given, GuestThread } from './guest-thread.js';
import { KeptInstances } from './kept-instances.js';
import { Lines } from './lines.js';
import { Memory } from './memory.js';
import type { Pace } from './pace.js';
import { Places } from './places.js';
import type { Run } from './run.js';

/**
 * What runs hold of a pool (a thread's line, a place, memory) and what threads keep for the next ones. Given and given back
 * together, so that no sum is ever left wrong.
 */
export class Holdings {
  readonly lines = new Lines();
  readonly memory: Memory;
  readonly places: Places;
  readonly kept = new KeptInstances();

  readonly #pace: Pace;

  constructor(sizes: { threads: number; parked: number; memoryMb: number }, pace: Pace) {
    this.#pace = pace;
    this.memory = new Memory(sizes.memoryMb);
    this.places = new Places(sizes, pace);
  }

  /** For a run that a thread is about to get: it is what the thread is at, or next there. */
  take(run: Run, thread: GuestThread): void {
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.kept.take(given);
    this.memory.begin(run);
    this.makeRoom();
    run.thread = thread;
    run.phase = 'next';
    this.lines.add(thread, run);
    if (this.lines.current(thread) === run) this.begin(run);
  }

  /** Its thread is at it from now on. */
  begin(run: Run): void {
    this.places.begin(run);
    run.phase = 'computing';
    run.computesSince = performance.now();
  }

  /** For a run that waits for something outside. False when it keeps its place: no more may wait beside those that compute. */
  park(run: Run): boolean {
    this.memory.wait(run, run.slot?.memoryMb ?? run.program.limitMb);
    if (!this.places.park(run)) return false;
    this.#pace.parked(run.program, Date.now() - (run.slot?.startedAt ?? 0));
    return true;
  }

  /** The guest goes on, as soon as it fits into the memory again. */
  resume(run: Run, goOn: () => void): void {
    if (run.ending !== null || run.thread === null) return;
    this.memory.goOn(run, () => {
      if (run.ending !== null) return;
      this.makeRoom();
      this.places.resume(run);
      run.phase = 'computing';
      run.computesSince = performance.now();
      run.waitsIn = null;
      goOn();
    });
  }

  /** For a run that its thread was at, which keeps so much for the next one of its program. */
  give(run: Run, thread: GuestThread, keptBytes: number): void {
    this.lines.remove(thread, run);
    this.memory.end(run);
    this.places.leave(run);
    if (run.slot !== null) thread.giveBack(run.slot);
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.keep(given, keptBytes);
    this.makeRoom();
  }

  /** For a run that was next on a thread and will not begin there. */
  giveUnbegun(run: Run, thread: GuestThread): void {
    this.lines.remove(thread, run);
    this.memory.end(run);
    if (run.slot !== null) thread.giveBack(run.slot);
    run.phase = 'waiting';
    run.thread = null;
    run.slot = null;
    const given = thread.programs.get(run.key);
    if (given !== undefined) this.keep(given, given.keptBytes);
  }

  /** What is next on a thread, as far as it has not begun it: the last first. None of it will begin there. */
  takeBack(thread: GuestThread): Run[] {
    const line = this.lines.of(thread);
    if (line.length < 2) return [];
    const unbegun = line
      .slice(1)
      .reverse()
      .filter(({ slot }) => slot?.takeBack() === true);
    for (const run of unbegun) this.giveUnbegun(run, thread);
    return unbegun;
  }

  /** What a thread keeps for a program may be given up, unless a run of it is next there. */
  keep(given: Given, bytes: number): void {
    if (this.#isInLine(given)) given.keptBytes = bytes;
    else this.kept.add(given, bytes);
  }

  forget(given: Given): void {
    if (this.#isInLine(given)) return;
    this.kept.take(given);
    given.thread.forget(given.key);
  }

  /** Kept instances give way to guests that run. */
  makeRoom(): void {
    this.kept.shrinkTo(this.memory.freeMb);
  }

  #isInLine({ thread, key }: Given): boolean {
    return this.lines.of(thread).some((run) => run.key === key);
  }
}
