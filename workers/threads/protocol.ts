import type { WarmStart } from '../../src/contract/function.js';
import type { EngineFunctionName } from '../../src/contract/host-functions.js';
import type { ErrorCode } from '../../src/errors.js';
import type { Program } from '../wasm/run/program.js';
import type { HostValue } from '../wasm/run/session.js';

/**
 * What a guest thread and the main thread say to each other. A thread runs one invocation at a
 * time, and may have the next ones already: each in a slot of the memory that they share, where its
 * result comes to lie, too. Messages carry only what cannot lie in a slot; a thread takes those
 * that were posted before it takes a slot (see `WORD.posted`).
 */
export type ToThread =
  /** Slots name a program by its number. */
  | { type: 'program'; number: number; program: Program }
  /** Makes an instance of a program that will be run soon. */
  | { type: 'prepare'; number: number }
  | { type: 'forget'; number: number }
  /** What is too large for its slot. */
  | { type: 'job'; slot: number; generation: number; job: Job };

/** The part of a guest call that crosses to the thread; the rest of it stays behind host calls. */
export interface Job {
  name: string;
  requestId: string;
  callerWallet: string;
  env: Readonly<Record<string, string>>;
  /** JSON text; '' for other triggers than HTTP. */
  httpRequest: string;
  input: Uint8Array;
  /** Say so when lines are logged: somebody is watching. */
  live: boolean;
}

export type FromThread =
  | { type: 'ready' }
  | { type: 'call'; name: EngineFunctionName; args: HostValue[] }
  | { type: 'sleep'; milliseconds: number }
  | { type: 'logged' }
  /** There is something new in its slots: see `SLOT.state`. */
  | { type: 'ended' }
  | { type: 'prepared'; number: number; keptBytes: number };

/** What a thread says of a job when it can take the next one. */
export interface IdleReport {
  /** Memory that it keeps for the program. */
  keptBytes: number;
  /** How long the job had it computing, cleaning up included. */
  busyMs: number;
}

export interface JobResult {
  output: Uint8Array;
  exitCode: number | null;
  error: string | null;
  /** What `http_respond` has set, as JSON text. */
  response: string | null;
  memoryPeakMb: number;
  durationMs: number;
  /** Ran on an instance that was kept. */
  warm: boolean;
}

/** What the thread that prepares modules is asked and answers. */
export type ToCompiler = { type: 'prepare'; id: number; request: CompileRequest };
export type FromCompiler =
  /** The thread's number in the operating system, by which its processor time is found. */
  | { type: 'ready'; thread: number | null }
  | { type: 'prepared'; id: number; program: Program; note: string | null; last: boolean }
  | { type: 'refused'; id: number; code: ErrorCode; message: string };

export interface CompileRequest {
  wasm: Uint8Array;
  name: string;
  limitMb: number;
  /**
   * `probe` tries the strategies against each other; a strategy's name takes that one as settled.
   */
  want: 'probe' | WarmStart;
  /** A probe that was not conclusive is repeated, with more time. */
  again?: boolean;
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
  /** Of all slots of the thread, each with two parts of its own: see `SHARED_BYTES`. */
  shared: SharedArrayBuffer;
  dataOffset: number;
  logOffset: number;
}

/** One for the invocation that runs, the others for those that are next. */
export const SLOTS = 12;
export const CONTROL_BYTES = 48;
export const SLOT_BYTES = 96;
/**
 * Jobs and outputs up to this size lie in their slot, larger ones go through a message port, which
 * keeps none of them.
 */
export const DATA_BYTES = 65_536;
/**
 * What a thread's slots share with it, most of it never touched. Smaller blocks may be ones that
 * were used before: those are zeroed, and take memory before they are used, for each thread that
 * was killed until V8 collects what it left. The C library never uses blocks from 32 MB on again.
 */
export const SHARED_BYTES = 33 << 20;
/**
 * Replies up to this size go through shared memory, larger ones through a message port, which keeps
 * none of it.
 */
export const REPLY_BYTES = 65_536;

/** Indexes of 32-bit words in the control block. */
export const WORD = {
  /** 0 while a host call waits, 1 when its reply is there. The thread sleeps on it. */
  replied: 0,
  replyKind: 1,
  replyLength: 2,
  /**
   * Wakeup sequence: changes whenever there is something new for the thread, which sleeps on it
   * while it is idle. Also the generation of the last run that was handed over.
   */
  wakeup: 3,
  /** Messages posted to the thread so far: those it has not taken come before any slot. */
  posted: 6,
  /** 1 while the thread sleeps, or is about to: it has to be woken. */
  asleep: 7,
  /**
   * 1 while an `ended` message is on its way, so that a burst of ends is one message. Of each
   * thread its own: one that is killed between storing this and posting the message silences nobody
   * else.
   */
  notified: 8,
} as const;
/** Index of the 64-bit word that carries a reply's number. */
export const REPLY_VALUE = 2;

/** Indexes of 32-bit words in a slot. */
export const SLOT = {
  /**
   * Generation of the run that may begin here, 0 for none. Whoever swaps it for 0 owns the run: the
   * thread to begin it, the main thread to withdraw it.
   */
  generation: 0,
  logCommitted: 1,
  logPending: 2,
  /** 1 while a `logged` message is on its way, so that a flood of lines is one message. */
  logAnnounced: 3,
  /**
   * Pages of the guest as of its last call out, for guests that are killed; in the end its peak.
   */
  pages: 4,
  /** How far the thread is with it: one of `STATE`. Stored after everything else that says so. */
  state: 5,
  program: 6,
  /** Bytes of the job's texts; -1 when the job was posted. */
  textLength: 7,
  inputLength: 8,
  live: 9,
  /** Bytes of the output; -1 when it was posted. */
  outputLength: 10,
  /** Bytes of the result's texts, before the output: error and response. */
  resultTextLength: 11,
  /** 1 when the guest ended by itself. */
  exited: 12,
  exitCode: 13,
  warm: 14,
} as const;

/** Indexes of 64-bit floats in a slot. */
export const NUMBER = {
  /** When the guest began, in milliseconds since 1970; 0 before. */
  startedAt: 8,
  durationMs: 9,
  keptBytes: 10,
  busyMs: 11,
} as const;

/** `done`: the result is there. `idle`: the thread has cleaned up as well, and takes the next. */
export const STATE = { open: 0, done: 1, idle: 2 } as const;

export const REPLY = { failed: 0, none: 1, data: 2, largeData: 3, noted: 4 } as const;
