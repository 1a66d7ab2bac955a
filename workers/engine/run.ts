import { MAX_TIMER_MS } from '../../src/concurrency/timeout.js';
import type { GuestCall, GuestOutcome } from '../../src/ports/engine.js';
import type { GuestThread } from '../threads/guest-thread.js';
import type { Slot } from '../threads/slot.js';
import type { Program } from '../wasm/run/program.js';
import type { StopReason } from './outcome.js';

/**
 * An invocation from its arrival at the scheduler until its outcome.
 *
 *              reserve         begin              block
 *     waiting ────────► next ────────► computing ◄────► blocked        (`phase`)
 *        ▲               │                       resume
 *        └───────────────┘ releaseUnstarted
 *
 * From any phase a run is finished, once: with the result in its slot, with an error, or, when the
 * engine stops it (`stopReason`), once its thread has exited. `thread` and `slot` are null exactly
 * while it waits. It has a CPU slot from its beginning until its thread has reset the instance; a
 * blocked run gives up the one to compute when it is parked, which short host calls never are.
 * `Reservations` makes these changes together with those of memory.
 */
export interface Run {
  readonly call: GuestCall;
  /** The key of its program. */
  readonly key: string;
  readonly program: Program;
  /**
   * What it is charged besides its limit, for what it may hold outside its memory, in megabytes.
   */
  readonly heapMb: number;
  /** By `performance.now()`, in milliseconds. */
  readonly queuedAt: number;
  thread: GuestThread | null;
  slot: Slot | null;
  /** `next`: queued on a thread, behind its current run. */
  phase: 'waiting' | 'next' | 'computing' | 'blocked';
  /** How the run is counted; see `CpuSlots`. */
  cpuSlot: 'computing' | 'parked' | null;
  /** Since when it holds the CPU slot to compute, by `performance.now()`. */
  slotSince: number;
  /**
   * How long it held one before that, in milliseconds. Short host calls are included, as they do
   * not release the slot.
   */
  slotMs: number;
  /** When it began, or last resumed after a wait, by `performance.now()`. */
  computesSince: number;
  /** When it is parked if it still waits then, by `performance.now()`. */
  parkAt: number;
  /** Whether it has waited for something outside. */
  waited: boolean;
  /** The name of the host call it waits in. */
  blockedIn: string | null;
  /** Whether its caller has the outcome. Its thread may still be resetting the instance. */
  finished: boolean;
  /** Aborted when the guest has ended; created on first use. */
  outsideWork: AbortController | null;
  stopSleep: (() => void) | null;
  stopReason: StopReason | null;
  onAbort: (() => void) | null;
  resolve(outcome: GuestOutcome): void;
  reject(error: unknown): void;
}

/** Creates a run in its initial state. */
export function newRun(
  call: GuestCall,
  key: string,
  program: Program,
  { heapMb, resolve, reject }: Pick<Run, 'heapMb' | 'resolve' | 'reject'>,
): Run {
  return {
    call,
    key,
    program,
    heapMb,
    queuedAt: performance.now(),
    thread: null,
    slot: null,
    phase: 'waiting',
    cpuSlot: null,
    slotSince: 0,
    slotMs: 0,
    computesSince: 0,
    parkAt: 0,
    waited: false,
    blockedIn: null,
    finished: false,
    outsideWork: null,
    stopSleep: null,
    stopReason: null,
    onAbort: null,
    resolve,
    reject,
  };
}

/**
 * One error for all runs: `abort()` without a reason would create an exception with a stack trace
 * per run.
 */
const GUEST_ENDED = new Error('the guest has ended');

/** Aborts the host calls of a guest that has ended, and the requests that it has started. */
export function abortOutsideWork(run: Run): void {
  run.outsideWork?.abort(GUEST_ENDED);
  run.stopSleep?.();
}

/**
 * Calls `resume` once `milliseconds` have passed, and never earlier: Node starts a timer at the
 * time its event loop last read the clock, which in a busy process is some milliseconds ago. A
 * delay beyond the longest timer takes several timers.
 */
export function sleep(run: Run, milliseconds: number, resume: () => void): void {
  const due = performance.now() + milliseconds;
  const wait = (ms: number) => setTimeout(wake, Math.min(ms, MAX_TIMER_MS));
  const wake = () => {
    const left = due - performance.now();
    if (left > 0) timer = wait(left);
    else resume();
  };
  let timer = wait(milliseconds);
  run.stopSleep = () => clearTimeout(timer);
}

/** Returns the signal that aborts the run's host calls. */
export function abortSignalOf(run: Run): AbortSignal {
  run.outsideWork ??= new AbortController();
  return run.outsideWork.signal;
}
