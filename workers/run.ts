import type { LogMessage } from '../src/contract/invocation.js';
import type { GuestCall, GuestOutcome } from '../src/ports/engine.js';
import type { GuestThread } from './guest-thread.js';
import type { Ending } from './outcome.js';
import type { Job } from './protocol.js';
import type { Slot } from './slot.js';
import type { Program } from './wasm/program.js';

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
  /** `next`: a thread has it and will begin it when it has ended what it is at. */
  phase: 'waiting' | 'next' | 'computing' | 'blocked';
  /** What it is counted as: see `Places`. */
  place: 'computing' | 'parked' | null;
  /** Of `performance.now()`: when it began, or went on after a wait. */
  computesSince: number;
  blockedAt: number;
  /** It had to wait for something. */
  waited: boolean;
  /** The host call it waits in. */
  waitsIn: string | null;
  /** Its caller has the outcome; its thread may still be cleaning up. */
  answered: boolean;
  /** Fires when the guest is gone; made when something has to know. */
  gone: AbortController | null;
  stopSleep: (() => void) | null;
  lines: LogMessage[];
  ending: Ending | null;
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
    place: null,
    computesSince: 0,
    blockedAt: 0,
    waited: false,
    waitsIn: null,
    answered: false,
    gone: null,
    stopSleep: null,
    lines: [],
    ending: null,
    onAbort: null,
    resolve,
    reject,
  };
}

/** Stops what goes on outside for a guest that is gone. */
export function leave(run: Run): void {
  run.gone?.abort();
  run.stopSleep?.();
}

/** Longer than any timeout is as good as the longest timer there is. */
export function sleep(run: Run, milliseconds: number, goOn: () => void): void {
  const timer = setTimeout(goOn, Math.min(milliseconds, 2 ** 31 - 1));
  run.stopSleep = () => clearTimeout(timer);
}

export function goneSignal(run: Run): AbortSignal {
  run.gone ??= new AbortController();
  return run.gone.signal;
}

/** What of a call goes to its thread. */
export function jobOf({ functionName, requestId, callerWallet, env, input, onLog }: GuestCall): Job {
  return {
    name: functionName,
    requestId,
    callerWallet,
    env,
    input,
    live: onLog !== undefined,
  };
}
