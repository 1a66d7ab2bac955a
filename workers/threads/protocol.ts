import type { WarmStart } from '../../src/contract/function.js';
import type { EngineFunctionName } from '../../src/contract/host-functions.js';
import type { ResponseText } from '../../src/contract/http-exchange.js';
import { MB } from '../../src/contract/limits.js';
import type { ErrorCode } from '../../src/errors.js';
import type { Program } from '../wasm/run/program.js';
import type { HostValue } from '../wasm/run/session.js';

/**
 * The messages between the main thread and a guest thread. A thread runs one invocation at a time
 * and may have further ones queued: each in a slot of shared memory, which later also holds its
 * result. Messages carry only what does not fit into a slot. A thread reads posted messages before
 * it takes a slot (see `WORD.posted`).
 */
export type ToThread =
  /** Slots refer to a program by its id. */
  | { type: 'program'; programId: number; program: Program }
  /** Creates an instance of a program that will run soon. */
  | { type: 'instantiate'; programId: number }
  | { type: 'unload'; programId: number }
  /** A job that is too large for its slot. */
  | { type: 'job'; slot: number; generation: number; job: GuestJob };

/** What a thread gets of a guest call; the rest is reached through host calls. */
export interface GuestJob {
  functionName: string;
  requestId: string;
  callerWallet: string;
  env: Readonly<Record<string, string>>;
  /** JSON text; undefined or '' for triggers other than HTTP. */
  httpRequest?: string | undefined;
  input: Uint8Array;
}

export type FromThread =
  | { type: 'ready' }
  | { type: 'call'; name: EngineFunctionName; args: HostValue[] }
  | { type: 'sleep'; milliseconds: number }
  /** At least one slot has a new state: see `SLOT.state`. */
  | { type: 'ended' }
  | { type: 'instantiated'; programId: number; keptBytes: number };

/** What a thread reports when it can take the next job. */
export interface IdleReport {
  /** The memory that the thread keeps for the program, in bytes. */
  keptBytes: number;
  /** How long the thread was busy with the job, including the reset, in milliseconds. */
  busyMs: number;
}

export interface JobResult {
  output: Uint8Array;
  exitCode: number | null;
  error: string | null;
  response: ResponseText | null;
  memoryPeakMb: number;
  durationMs: number;
  /** Whether the run used a warm instance. */
  warm: boolean;
  /** Whether the guest has not begun, because there was no memory for an instance: see `error`. */
  unstarted: boolean;
}

/** The part of a result that is too large for its slot. */
export interface PostedResult {
  output: Uint8Array;
  /** Error and response as JSON text; null when they are in the slot. */
  texts: string | null;
}

/** The messages between the main thread and a compiler thread. */
export type ToCompiler =
  | { type: 'module'; id: number; request: CompileRequest }
  /** Whether the types of the module may be registered with V8: it is compiled, or dropped. */
  | { type: 'types'; id: number; isAdmitted: boolean };
export type FromCompiler =
  /** For measuring the CPU time of the thread. */
  | { type: 'ready'; osThreadId: number | null }
  /** The function types of a module that was read; it is compiled after the answer. */
  | { type: 'types'; id: number; types: string[] }
  | { type: 'compiled'; id: number; program: Program; note: string | null; last: boolean }
  | { type: 'refused'; id: number; code: ErrorCode; message: string };

export interface CompileRequest {
  wasm: Uint8Array;
  name: string;
  limitMb: number;
  /**
   * `probe` compares the strategies with each other; the name of a strategy skips the probe and
   * uses that strategy.
   */
  want: 'probe' | WarmStart;
  /** Whether to repeat an inconclusive probe, with a larger limit. */
  again?: boolean;
}

/** The shared memory of a thread: words that both sides read and write. */
export interface ThreadBuffers {
  control: SharedArrayBuffer;
  reply: SharedArrayBuffer;
  slots: SlotBuffers[];
}

/** The shared memory of one invocation. */
export interface SlotBuffers {
  control: SharedArrayBuffer;
  /** Shared by all slots of the thread; each slot has two parts of it: see `SHARED_BYTES`. */
  shared: SharedArrayBuffer;
  dataOffset: number;
  logOffset: number;
}

/** The number of slots per thread: one for the running invocation, the others for queued ones. */
export const SLOTS = 12;
/**
 * Jobs and outputs up to this size, in bytes, are stored in their slot. Larger ones are sent
 * through a message port, which does not retain memory.
 */
export const DATA_BYTES = 65_536;
/**
 * The size of the memory that a thread's slots share, most of which is never touched. Smaller
 * blocks may be recycled by the C library: those are zeroed and thus take memory before they are
 * used, for each killed thread until V8 collects its memory. The C library never recycles blocks of
 * 32 MB or more.
 */
export const SHARED_BYTES = 33 * MB;
/**
 * Replies up to this size, in bytes, are stored in shared memory. Larger ones are sent through a
 * message port, which does not retain memory.
 */
export const REPLY_BYTES = 65_536;

/**
 * Indexes of 32-bit words in the control block. The words between them, 4 and 5, are the number of
 * a reply: see `REPLY_VALUE`.
 */
export const WORD = {
  /** 0 while a host call waits, 1 when its reply is available. The thread sleeps on this word. */
  replied: 0,
  replyKind: 1,
  replyLength: 2,
  /**
   * The wakeup sequence: changes whenever there is something new for the thread, which sleeps on
   * this word while it is idle. Also the generation of the last run passed to the thread.
   */
  wakeup: 3,
  /**
   * The number of messages posted to the thread so far. The thread reads them before it takes a
   * slot.
   */
  posted: 6,
  /** 1 while the thread sleeps or is about to, so that it must be woken. */
  asleep: 7,
  /**
   * 1 while an `ended` message is in transit, so that a burst of ends causes one message. One word
   * per thread: if a thread is killed between storing this and posting the message, no other thread
   * is affected.
   */
  notified: 8,
} as const;
/** The index of the 64-bit word of the control block that holds the number in a reply. */
export const REPLY_VALUE = 2;
export const CONTROL_BYTES = bytesOf(Object.values(WORD), [REPLY_VALUE]);

/** Indexes of 32-bit words in a slot. */
export const SLOT = {
  /**
   * The generation of the run that may begin in this slot, 0 for none. The side that swaps it for 0
   * owns the run: the thread to begin it, the main thread to withdraw it.
   */
  generation: 0,
  logCommitted: 1,
  logPending: 2,
  /**
   * The guest's memory in pages at its start, its last host call or its last call of an import that
   * accessed it, for guests that are parked or killed; at the end its peak.
   */
  pages: 3,
  /** The progress of the run: one of `STATE`. Stored after everything that it covers. */
  state: 4,
  program: 5,
  /** The size of the job's texts in bytes; -1 when the job was posted. */
  textLength: 6,
  inputLength: 7,
  /** The size of the output in bytes; -1 when it was posted. */
  outputLength: 8,
  /**
   * The size of the result's texts (error and response), which precede the output, in bytes; -1
   * when they were posted with the output.
   */
  resultTextLength: 9,
  /** 1 when the guest ended with an exit code. */
  exited: 10,
  exitCode: 11,
  warm: 12,
  unstarted: 13,
} as const;

/** Indexes of 64-bit floats in a slot, after its words. */
export const NUMBER = {
  /** When the guest began, in Unix milliseconds, as shown in its log. */
  startedAt: 8,
  durationMs: 9,
  keptBytes: 10,
  busyMs: 11,
  /** When the guest began, by `steadyMs`; 0 before. */
  begunAt: 12,
} as const;
export const SLOT_BYTES = bytesOf(Object.values(SLOT), Object.values(NUMBER));

/** Returns the size of a block with these 32-bit and 64-bit words, none of which may overlap. */
function bytesOf(words: readonly number[], numbers: readonly number[]): number {
  const used = [...words, ...numbers.flatMap((index) => [2 * index, 2 * index + 1])];
  if (new Set(used).size < used.length) throw new Error('Two words of a shared block overlap.');
  return 8 * Math.ceil((Math.max(...used) + 1) / 2);
}

/**
 * `done`: the result is available. `idle`: the thread has also reset the instance and can take the
 * next run.
 */
export const STATE = { open: 0, done: 1, idle: 2 } as const;

export const REPLY = { failed: 0, none: 1, data: 2, largeData: 3, noted: 4 } as const;
