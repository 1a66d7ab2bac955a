import type { EngineFunctionName } from '../../../src/contract/host-functions.js';
import type { LogLevel } from '../../../src/contract/invocation.js';

export type HostValue = string | Uint8Array | bigint;

/** What a host call came to. `data` null = none; `note` goes into the invocation's log. */
export type HostReply =
  | { ok: true; value: bigint; data: Uint8Array | null; note?: string }
  | { ok: false; reason: string };

/** The way out of a guest: blocks its thread until there is an answer. */
export interface Bridge {
  call(name: EngineFunctionName, args: HostValue[]): HostReply;
  sleep(milliseconds: number): void;
}

export interface Clock {
  /** Nanoseconds since 1970. */
  realtime(): bigint;
  monotonic(): bigint;
}

/** Receives a guest's log lines. */
export interface LogSink {
  line(level: LogLevel, text: Uint8Array | string): void;
  /** Bytes that the guest printed, lines whole or not: stderr at level `error`. */
  print(level: LogLevel, bytes: Uint8Array): void;
  /** A last line without a newline counts. */
  finish(): void;
}

/** All that one invocation brings along; nothing else of the world is visible to a guest. */
export interface Session {
  /** argv[0] */
  name: string;
  requestId: string;
  callerWallet: string;
  env: Readonly<Record<string, string>>;
  /** What `http_request()` returns, as JSON text; '' for other triggers. */
  httpRequest: string;
  /**
   * What `http_respond` has set, as JSON text (`null` in it when it was not valid); null without a
   * call of it.
   */
  response: string | null;
  input: Uint8Array;
  log: LogSink;
  bridge: Bridge;
  clock: Clock;
  /** Fills the bytes with random ones. */
  random(bytes: Uint8Array): void;
}

/** Ends an invocation with a sentence that is not a trap's, such as an output too large. */
export class GuestFailure {
  constructor(readonly sentence: string) {}
}

/** How an invocation ended, as the strategy that ran it saw it. */
export interface GuestResult {
  output: Uint8Array;
  /** null when the guest was ended rather than ending by itself. */
  exitCode: number | null;
  /** One sentence; null when the guest ended with exit code 0. */
  error: string | null;
  /** 64 KiB pages it had at the end, which is its peak: memory never shrinks. */
  pages: number;
  /** A memory.grow was refused because of the limit. */
  refused: boolean;
}
