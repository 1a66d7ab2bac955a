import type { Closable } from '../src/ports/closable.js';
import type { EngineStats, GuestCall, GuestOutcome } from '../src/ports/engine.js';
import { answer } from './answer.js';
import { Cancellations } from './cancellations.js';
import type { GuestThread } from './guest-thread.js';
import { Holdings } from './holdings.js';
import { type Lines, outstays, patienceWith } from './lines.js';
import type { Memory } from './memory.js';
import { closing, type Ending, neverBegun, tooLarge } from './outcome.js';
import { Pace } from './pace.js';
import type { Places } from './places.js';
import type { FromThread, Idle } from './protocol.js';
import { goneSignal, jobOf, leave, newRun, type Run, sleep } from './run.js';
import { rejectUnrunnable, settle, settleFinished, settleWithThread, takeLines } from './run-end.js';
import { Threads } from './threads.js';
import { TimeLimits } from './time-limits.js';
import { WaitingRuns } from './waiting-runs.js';
import type { Program } from './wasm/program.js';

export interface PoolOptions {
  /** Guests computing at once. */
  threads: number;
  /** Further guests that may wait in a host call or a sleep at once. */
  parked: number;
  /** Limits of guests that run, what those that wait have, and kept instances never add up to more. */
  memoryMb: number;
}

/** Calls that are known to take long park at once. */
const SLOW_CALLS: ReadonlySet<string> = new Set(['http_fetch']);

/** Runs prepared programs on threads: as many at once as cores, those that wait parked beside them, in fair order. */
export class Pool implements Closable {
  readonly #options: PoolOptions;
  readonly #waiting = new WaitingRuns();
  readonly #threads: Threads;
  readonly #pace = new Pace();
  readonly #holdings: Holdings;
  readonly #lines: Lines;
  readonly #memory: Memory;
  readonly #places: Places;
  readonly #timeLimits: TimeLimits;
  readonly #cancellations = new Cancellations((run) => this.#stop(run, 'cancelled'));
  #sweep: NodeJS.Timeout | null = null;
  #closed = false;
  #counts = { warm: 0, fresh: 0, kills: 0 };

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#holdings = new Holdings(options, this.#pace);
    this.#lines = this.#holdings.lines;
    this.#memory = this.#holdings.memory;
    this.#places = this.#holdings.places;
    this.#timeLimits = new TimeLimits(this.#lines, (run) => this.#stop(run, 'timeout'));
    this.#threads = new Threads(options, {
      ready: () => this.#dispatch(),
      message: (thread, message) => this.#heard(thread, message),
      exit: (thread, error) => this.#exited(thread, error),
    });
  }

  run(call: GuestCall, key: string, program: Program): Promise<GuestOutcome> {
    if (this.#closed) return Promise.reject(closing());
    if (program.limitMb > this.#options.memoryMb) {
      return Promise.reject(tooLarge(call.functionName, program.limitMb, this.#options.memoryMb));
    }
    if (program.waits) this.expectWaiting();
    return new Promise((resolve, reject) => {
      const run = newRun(call, key, program, { resolve, reject });
      this.#cancellations.watch(run);
      this.#waiting.push(run);
      this.#dispatch();
    });
  }

  /** Guests that wait are about: threads for them are started before they are needed. */
  expectWaiting(): void {
    this.#threads.expectWaiting();
  }

  /** For a program that will be run soon: a thread that is idle makes an instance of it. */
  prepare(key: string, program: Program): void {
    const thread = this.#threads.nextIdle;
    const keepsOne = [...this.#threads].some(({ programs }) => programs.has(key));
    if (thread === undefined || keepsOne || this.#closed) return;
    thread.prepare(key, program);
  }

  /** For a program that will not be run in the next time, if ever: the threads give up what they have of it. */
  forget(key: string): void {
    for (const { programs } of this.#threads) {
      const given = programs.get(key);
      if (given !== undefined) this.#holdings.forget(given);
    }
  }

  stats(): EngineStats {
    return {
      threads: this.#threads.size,
      busy: this.#places.computing,
      parked: this.#places.parked,
      waiting: this.#waiting.length + this.#lines.next,
      warmInstances: this.#holdings.kept.size,
      memoryMb: this.#memory.mb + this.#holdings.kept.mb,
      warmRuns: this.#counts.warm,
      freshRuns: this.#counts.fresh,
      kills: this.#counts.kills,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#sweep !== null) clearTimeout(this.#sweep);
    this.#timeLimits.close();
    this.#cancellations.close();
    for (const run of this.#waiting.drain()) settle(run, () => run.reject(closing()));
    for (const [, line] of this.#lines.all()) for (const run of line) run.ending ??= 'closing';
    await this.#threads.close();
  }

  // --- what waits, and who takes it

  #dispatch(): void {
    if (this.#closed) return;
    while (this.#waiting.length > 0) {
      const busy = this.#lines.threadAtQuickRuns(this.#pace);
      if (busy === null && !this.#threads.hasIdle) break;
      const mayBegin = (run: Run) => busy !== null || this.#places.mayBegin(run);
      const run = this.#waiting.take(this.#memory.roomMb, mayBegin);
      if (run === null) break;
      if (run.call.signal?.aborted === true) settle(run, () => run.resolve(neverBegun()));
      else this.#hand(run, busy ?? this.#threads.take(run.key));
    }
    this.#armSweep();
    this.#threads.ensure(this.#lines.size);
  }

  #hand(run: Run, thread: GuestThread): void {
    this.#holdings.take(run, thread);
    run.slot = thread.run(run.key, run.program, jobOf(run.call));
    this.#timeLimits.watch(run);
  }

  /** What a thread has not begun goes back to where it waited. */
  #takeBack(thread: GuestThread): void {
    for (const run of this.#holdings.takeBack(thread)) this.#waiting.putBack(run);
  }

  // --- what a running guest's thread says

  #heard(thread: GuestThread, message: Exclude<FromThread, { type: 'ready' }>): void {
    // The message may be of the run after those that have ended there.
    this.#takeEnded(thread);
    const run = this.#lines.current(thread);
    switch (message.type) {
      case 'call':
        if (run === undefined || run.ending !== null) return;
        this.#block(run, message.name, SLOW_CALLS.has(message.name));
        void answer(run.call.host, message.name, message.args, goneSignal(run)).then((reply) => {
          this.#holdings.resume(run, () => thread.reply(reply));
        });
        return;
      case 'sleep':
        if (run === undefined || run.ending !== null) return;
        this.#block(run, 'a sleep', true);
        sleep(run, message.milliseconds, () => {
          this.#holdings.resume(run, () => thread.reply({ ok: true, value: 0n, data: null }));
        });
        return;
      case 'logged':
        if (run !== undefined) takeLines(run);
        return;
      case 'ended':
        this.#dispatch();
        return;
      case 'prepared': {
        const given = thread.givenAs(message.number);
        if (given !== undefined) this.#holdings.keep(given, message.keptBytes);
        this.#holdings.makeRoom();
        return;
      }
    }
  }

  /** Runs that have ended by themselves are seen in their slots, whatever it was that made us look. */
  #takeEnded(thread: GuestThread): void {
    for (let run = this.#lines.current(thread); run?.slot?.isDone; run = this.#lines.current(thread)) {
      if (run.ending !== null) return;
      const result = run.answered ? null : thread.resultOf(run.slot);
      const { idle } = run.slot;
      // Before its caller hears: who watches its log may stop it, or run another, from there.
      run.answered = true;
      if (idle !== null) this.#giveBack(thread, run, idle);
      if (result !== null) {
        this.#counts[result.warm ? 'warm' : 'fresh']++;
        settleFinished(run, result);
      }
      if (idle === null) return;
    }
  }

  /** The slot is held until the thread has cleaned up, and so is the memory. */
  #giveBack(thread: GuestThread, run: Run, { keptBytes, busyMs }: Idle): void {
    this.#pace.ended(run.program, { busyMs, waited: run.waited });
    this.#holdings.give(run, thread, keptBytes);
    const next = this.#lines.current(thread);
    if (next === undefined) this.#threads.giveBack(thread);
    else this.#holdings.begin(next);
  }

  // --- waiting in host calls

  #block(run: Run, where: string, long: boolean): void {
    run.waitsIn = where;
    run.waited = true;
    run.phase = 'blocked';
    if (run.thread !== null) this.#takeBack(run.thread);
    run.blockedAt = long ? 0 : performance.now();
    if (long) this.#park(run);
    this.#dispatch();
  }

  #park(run: Run): void {
    if (this.#holdings.park(run)) this.#threads.expectWaiting();
  }

  /** Looks after what was expected to be over soon. */
  #armSweep(): void {
    if (this.#sweep !== null || this.#closed) return;
    const patience = patienceWith(this.#lines, { othersWait: this.#waiting.length > 0 });
    if (patience === null) return;
    this.#sweep = setTimeout(() => this.#lookAround(performance.now()), patience);
  }

  /** Guests that have been in a host call for a while are parked; none waits behind one that computes longer than it used to. */
  #lookAround(now: number): void {
    this.#sweep = null;
    for (const [thread] of this.#lines.all()) {
      // It may be this thread that is late, and not the guest.
      this.#takeEnded(thread);
      const run = this.#lines.current(thread);
      if (run === undefined || !outstays(run, now)) continue;
      if (run.phase === 'blocked') this.#park(run);
      else {
        this.#pace.surprised(run.program);
        this.#places.compute(run);
        this.#takeBack(thread);
      }
    }
    this.#dispatch();
  }

  // --- ends that are not the guest's own

  #stop(run: Run, ending: Ending): void {
    // What is there already counts, however late it is looked at.
    if (run.thread !== null) this.#takeEnded(run.thread);
    if (run.answered || run.ending !== null) return;
    if (run.thread === null) {
      this.#waiting.remove(run);
      settle(run, () => run.resolve(neverBegun()));
      this.#dispatch();
      return;
    }
    if (run.phase === 'next' && run.slot?.takeBack()) {
      this.#holdings.giveUnbegun(run, run.thread);
      settle(run, () => run.resolve(neverBegun()));
      return;
    }
    run.ending = ending;
    this.#counts.kills++;
    leave(run);
    this.#takeBack(run.thread);
    void run.thread.kill();
    this.#dispatch();
  }

  #exited(thread: GuestThread, error: Error | null): void {
    this.#takeEnded(thread);
    const [run, ...next] = this.#lines.of(thread);
    if (run !== undefined) this.#holdings.give(run, thread, 0);
    for (const each of next.reverse()) this.#leftBehind(each, thread);
    if (run !== undefined) settleWithThread(run, error);
    this.#holdings.kept.takeAll(thread);
    if (this.#closed) return;
    if (this.#threads.failed && error !== null) rejectUnrunnable(this.#waiting.drain(), error);
    this.#dispatch();
  }

  /** A run that was next on a thread that is gone: whatever it had begun there, nobody has seen any of it. */
  #leftBehind(run: Run, thread: GuestThread): void {
    const { slot } = run;
    this.#holdings.giveUnbegun(run, thread);
    if (run.ending === null) this.#waiting.putBack(run);
    else {
      run.slot = slot;
      settleWithThread(run, null);
    }
  }
}
