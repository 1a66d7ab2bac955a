import type { WarmStart } from '../src/contract/function.js';
import type { ErrorCode } from '../src/errors.js';
import type { HostFunctionName } from './wasm/host-functions.js';
import type { Program } from './wasm/program.js';
import type { HostValue } from './wasm/session.js';

/**
 * What a guest thread and the main thread say to each other. A thread runs one invocation at a time, and may have the next
 * ones already: each in a slot of the memory that they share.
 */
export type ToThread =
  | {
      type: 'run';
      key: string;
      job: Job;
      slot: number;
      /** Whether it may still begin: see `SLOT.ticket`. */
      ticket: number;
      /** Only when the thread has not got it yet. */
      program?: Program;
    }
  /** Makes an instance of a program that will be run soon. */
  | { type: 'prepare'; key: string; program: Program }
  | { type: 'forget'; key: string };

/** The part of a guest call that crosses to the thread; the rest of it stays behind host calls. */
export interface Job {
  name: string;
  requestId: string;
  callerWallet: string;
  env: Readonly<Record<string, string>>;
  input: Uint8Array;
  /** Say so when lines are logged: somebody is watching. */
  live: boolean;
}

export type FromThread =
  | { type: 'ready' }
  | { type: 'call'; name: HostFunctionName; args: HostValue[] }
  | { type: 'sleep'; milliseconds: number }
  | { type: 'logged' }
  /** When `idle` is null it cleans up first, and says so when it has. */
  | { type: 'done'; result: JobResult; idle: Idle | null }
  | { type: 'idle'; idle: Idle }
  | { type: 'prepared'; key: string; keptBytes: number };

/** What a thread says when it can take the next job. */
export interface Idle {
  /** Memory that it keeps for the program. */
  keptBytes: number;
  /** How long the job had it computing, cleaning up included. */
  busyMs: number;
}

export interface JobResult {
  output: Uint8Array;
  exitCode: number | null;
  error: string | null;
  memoryPeakMb: number;
  durationMs: number;
  /** Ran on an instance that was kept. */
  warm: boolean;
}

/** What the thread that prepares modules is asked and answers. */
export type ToPreparer = { type: 'prepare'; id: number; request: PrepareRequest };
export type FromPreparer =
  | { type: 'ready' }
  | { type: 'prepared'; id: number; program: Program; note: string | null; last: boolean }
  | { type: 'refused'; id: number; code: ErrorCode; message: string };

export interface PrepareRequest {
  wasm: Uint8Array;
  name: string;
  limitMb: number;
  /** `probe` tries the strategies against each other; a strategy's name takes that one as settled. */
  want: 'probe' | WarmStart;
}

/** Shared memory of a thread: words that both ends read and write. */
export interface ThreadBuffers {
  control: SharedArrayBuffer;
  reply: SharedArrayBuffer;
  slots: SlotBuffers[];
}

/** Of one invocation. */
export interface SlotBuffers {
  control: SharedArrayBuffer;
  log: SharedArrayBuffer;
}

/** One for the invocation that runs, the others for those that are next. */
export const SLOTS = 4;
export const CONTROL_BYTES = 32;
export const SLOT_BYTES = 32;
/** Replies up to this size go through shared memory, larger ones through a message port, which keeps none of it. */
export const REPLY_BYTES = 65_536;

/** Indexes of 32-bit words in the control block. */
export const WORD = {
  /** 0 while a host call waits, 1 when its reply is there. The thread sleeps on it. */
  replied: 0,
  replyKind: 1,
  replyLength: 2,
} as const;
/** Index of the 64-bit word that carries a reply's number. */
export const REPLY_VALUE = 2;

/** Indexes of 32-bit words in a slot. */
export const SLOT = {
  /**
   * The run that may begin here, 0 for none. Whoever swaps it for 0 has it: the thread to begin it, the main thread to take
   * it back.
   */
  ticket: 0,
  logCommitted: 1,
  logPending: 2,
  /** 1 while a `logged` message is on its way, so that a flood of lines is one message. */
  logAnnounced: 3,
  /** Pages of the guest as of its last call out, for guests that are killed. */
  pages: 4,
} as const;
/** Index of the slot's 64-bit float: when the guest began, in milliseconds since 1970; 0 before. */
export const STARTED_AT = 3;

export const REPLY = { failed: 0, none: 1, data: 2, largeData: 3, noted: 4 } as const;
