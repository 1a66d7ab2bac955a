import type { LogMessage } from '../../src/contract/invocation.js';
import type { GuestCall, GuestOutcome } from '../../src/ports/engine.js';
import type { GuestThread } from '../threads/guest-thread.js';
import type { Job } from '../threads/protocol.js';
import type { Slot } from '../threads/slot.js';
import type { Program } from '../wasm/run/program.js';
import type { StopReason } from './outcome.js';

/** One invocation from its arrival at the pool to its outcome. */
export interface Run {
  readonly call: GuestCall;
  /** Of its program. */
  readonly key: string;
  readonly program: Program;
  /** Milliseconds since 1970. */
  readonly queuedAt: number;
  thread: GuestThread | null;
  slot: Slot | null;
  /** `next`: queued on a thread, behind its current run. */
  phase: 'waiting' | 'next' | 'computing' | 'blocked';
  /** What it counts as: see `CpuSlots`. */
  cpuSlot: 'computing' | 'parked' | null;
  /** By `performance.now()`: when it began, or went on after a wait. */
  computesSince: number;
  blockedAt: number;
  /** It had to wait for something. */
  waited: boolean;
  /** The host call it waits in. */
  blockedIn: string | null;
  /** Its caller has the outcome; its thread may still be resetting the instance. */
  settled: boolean;
  /** Fires when the guest is gone; made at first use. */
  outsideWork: AbortController | null;
  stopSleep: (() => void) | null;
  logLines: LogMessage[];
  stopReason: StopReason | null;
  onAbort: (() => void) | null;
  resolve(outcome: GuestOutcome): void;
  reject(error: unknown): void;
}

export function newRun(
  call: GuestCall,
  key: string,
  program: Program,
  { resolve, reject }: Pick<Run, 'resolve' | 'reject'>,
): Run {
  return {
    call,
    key,
    program,
    queuedAt: Date.now(),
    thread: null,
    slot: null,
    phase: 'waiting',
    cpuSlot: null,
    computesSince: 0,
    blockedAt: 0,
    waited: false,
    blockedIn: null,
    settled: false,
    outsideWork: null,
    stopSleep: null,
    logLines: [],
    stopReason: null,
    onAbort: null,
    resolve,
    reject,
  };
}

/** Aborts the host calls of a guest that is gone. */
export function abortOutsideWork(run: Run): void {
  run.outsideWork?.abort();
  run.stopSleep?.();
}

/**
 * Calls back once the time is over, and never before: Node counts a timer from when its event loop
 * last looked at the clock, which in a busy process is some milliseconds ago. Longer than any
 * timeout is as good as the longest timer there is.
 */
export function sleep(run: Run, milliseconds: number, goOn: () => void): void {
  const due = performance.now() + milliseconds;
  const wait = (ms: number) => setTimeout(wake, Math.min(ms, 2 ** 31 - 1));
  const wake = () => {
    const left = due - performance.now();
    if (left > 0) timer = wait(left);
    else goOn();
  };
  let timer = wait(milliseconds);
  run.stopSleep = () => clearTimeout(timer);
}

export function abortSignalOf(run: Run): AbortSignal {
  run.outsideWork ??= new AbortController();
  return run.outsideWork.signal;
}

/** The part of a call that goes to its thread. */
export function jobOf(call: GuestCall): Job {
  const { functionName, requestId, callerWallet, env, httpRequest = '', input, onLog } = call;
  return {
    name: functionName,
    requestId,
    callerWallet,
    env,
    httpRequest,
    input,
    live: onLog !== undefined,
  };
}
