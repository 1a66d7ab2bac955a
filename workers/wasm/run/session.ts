import type { EngineFunctionName } from '../../../src/contract/host-functions.js';
import type { ResponseText } from '../../../src/contract/http-exchange.js';
import type { LogLevel } from '../../../src/contract/invocation.js';
import { MAX_OUTPUT_BYTES, MB } from '../../../src/contract/limits.js';

export type HostValue = string | Uint8Array | bigint;

/** The result of a host call. `data` null: no result. `note` is written to the invocation's log. */
export type HostReply =
  | { ok: true; value: bigint; data: Uint8Array | null; note?: string }
  | { ok: false; reason: string };

/** The connection of a guest to the main thread: blocks the guest's thread until the reply. */
export interface Bridge {
  call(name: EngineFunctionName, args: HostValue[]): HostReply;
  sleep(milliseconds: number): void;
}

export interface Clock {
  /** Returns the time in nanoseconds since the Unix epoch. */
  realtime(): bigint;
  /** Returns the time of a monotonic clock in nanoseconds. */
  monotonic(): bigint;
}

/** Receives a guest's log lines. */
export interface LogSink {
  line(level: LogLevel, text: Uint8Array | string): void;
  /** Bytes that the guest printed, in complete lines or not: stderr at level `error`. */
  print(level: LogLevel, bytes: Uint8Array): void;
  /** Ends the log; a last line without a newline is logged. */
  finish(): void;
}

/** The data of one invocation; nothing else is visible to a guest. */
export interface GuestSession {
  /** argv[0] */
  name: string;
  requestId: string;
  callerWallet: string;
  env: Readonly<Record<string, string>>;
  /** What `http_request()` returns, as JSON text; '' for other triggers. */
  httpRequest: string;
  response: ResponseText | null;
  input: Uint8Array;
  log: LogSink;
  bridge: Bridge;
  clock: Clock;
  /** Fills `bytes` with random values. */
  random(bytes: Uint8Array): void;
}

/**
 * Thrown to end an invocation with an error message that is not a trap's, for example for too large
 * output.
 */
export class GuestFailure {
  constructor(readonly sentence: string) {}
}

/** Thrown when the output is too large: it is never truncated. */
export class OutputTooLarge extends GuestFailure {
  constructor() {
    super(`output is larger than ${MAX_OUTPUT_BYTES / MB} MB`);
  }
}

/** Returns the session of the current run. Throws when there is none. */
export function sessionOf(current: GuestSession | null): GuestSession {
  if (current === null) throw new GuestFailure('the guest ran outside an invocation');
  return current;
}

/** The result of a run, before it becomes an outcome. */
export interface GuestResult {
  output: Uint8Array;
  /** null when the guest did not end by itself. */
  exitCode: number | null;
  /** An error message; null when the guest ended with exit code 0. */
  error: string | null;
  /** The number of 64 KiB pages at the end, which is the peak: memory never shrinks. */
  pages: number;
  /** Whether a memory.grow was refused because of the limit. */
  refused: boolean;
}
