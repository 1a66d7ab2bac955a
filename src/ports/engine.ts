import type { WarmStart } from '../contract/function.js';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { LogMessage } from '../contract/invocation.js';
import type { CancelSignal } from './cancel-signal.js';
import type { Closable } from './closable.js';

/** What deploy learns of a module. */
export interface ModuleReport {
  kind: 'command' | 'reactor';
  /** The fastest way to run it that gave the same results as a fresh instance on probe inputs. */
  warmStart: WarmStart;
  /** Why it is not warmer than it is; absent when the module's best strategy was taken. */
  note?: string;
  /** Looking for something warmer was given up without an answer: it is worth repeating. */
  inconclusive?: true;
}

export interface InspectSettings {
  cid: string;
  name: FunctionName;
  memoryLimitMb: number;
  /** Namespaces take turns; without one the module has a turn of its own. */
  namespace?: Namespace;
  /** Repeats an inconclusive probe in the background, with more time. */
  again?: boolean;
}

/**
 * The host functions of contract §2, bound to one invocation: its namespace, caller, env, secrets,
 * trigger depth.
 */
export interface HostCalls {
  getSecret(name: string): Promise<string | null>;
  dbQuery(sql: string, argsJson: string): Promise<string>;
  dbExecute(sql: string, argsJson: string): Promise<number>;
  cacheGet(key: string): Promise<Uint8Array | null>;
  cacheSet(key: string, value: Uint8Array, ttlSeconds: number): Promise<void>;
  cacheIncrement(key: string, delta: bigint): Promise<bigint>;
  cacheDelete(key: string): Promise<boolean>;
  /** Never throws for what the network did: that is `{"error":..,"status":0}`. */
  httpFetch(
    method: string,
    url: string,
    headersJson: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Starts a request beside others; returns its handle, from 1. Throws when it is refused: by
   * egress rules, or with 64 requests in flight.
   */
  httpStart(method: string, url: string, headersJson: string, body: Uint8Array): Promise<number>;
  /**
   * The next started request to end, as `httpFetch` answers with its `handle`; null when none is
   * left, or none ended within the time.
   */
  httpNext(timeoutMs: number): Promise<string | null>;
  publish(topic: string, dataJson: Uint8Array): Promise<PublishNote>;
  storagePut(data: Uint8Array): Promise<string>;
  storageGet(cid: string): Promise<Uint8Array | null>;
  enqueue(functionName: string, payloadJson: Uint8Array, delaySeconds: number): Promise<RequestId>;
}

export interface PublishNote {
  /** Said in the invocation's own log, e.g. that the trigger depth was reached. */
  note?: string;
}

/** A module that was accepted at deploy, and how it is to run. */
export interface GuestModule {
  /** argv[0]. */
  functionName: FunctionName;
  namespace: Namespace;
  cid: string;
  /** Called only when the module is not compiled here yet. */
  loadWasm(): Promise<Uint8Array>;
  warmStart: WarmStart;
  memoryLimitMb: number;
}

export interface GuestCall extends GuestModule {
  requestId: RequestId;
  timeoutMs: number;
  input: Uint8Array;
  callerWallet: string;
  /** Read with get_env; what the engine adds is named ORAMA_…: see docs/functions.md. */
  env: Readonly<Record<string, string>>;
  /** What `http_request()` returns, as JSON text. */
  httpRequest?: string | undefined;
  host: HostCalls;
  /** Somebody waits for it: it goes before those for which nobody does. */
  urgent?: boolean;
  /** Stops the guest; the outcome is then `cancelled`. */
  signal?: CancelSignal;
  /**
   * The guest is about to begin, or the thread that it is next on has come to it. Called again when
   * it had to begin anew.
   */
  onBegin?(): void;
  /** Log lines as they come, for live streams. */
  onLog?(message: LogMessage): void;
}

export interface GuestOutcome {
  status: 'success' | 'error' | 'timeout' | 'cancelled';
  output: Uint8Array;
  /** One sentence; null on success. */
  error: string | null;
  /** The guest's own, when it ended by itself. */
  exitCode: number | null;
  /** What `http_respond` has set, as JSON text: `null` in it when it was not valid. */
  response?: string;
  durationMs: number;
  memoryPeakMb: number;
  /** In order; stderr lines have level `error`. Cut as contract §1 says, with a note. */
  messages: LogMessage[];
  startedAt: number;
}

export interface EngineStats {
  threads: number;
  busy: number;
  parked: number;
  waiting: number;
  warmInstances: number;
  memoryMb: number;
  warmRuns: number;
  freshRuns: number;
  kills: number;
}

/**
 * Runs guests: WASI preview-1 modules in worker threads under hard memory and time limits, one
 * invocation at a time per thread, each in an instance on which no other invocation has left a
 * trace.
 */
export interface Engine extends Closable {
  /**
   * Validates, compiles and probes a module off the main thread. Throws `invalid_module` with a
   * sentence that says what is wrong: no WASM, an import that does not exist (by name), no
   * `_start`/`handle`, initial memory above the limit.
   */
  inspect(wasm: Uint8Array, settings: InspectSettings): Promise<ModuleReport>;
  /** Has a module compiled before it is called. Rejects with what the call would be told. */
  prepare(module: GuestModule): Promise<void>;
  /**
   * Resolves with an outcome for everything a guest can do; rejects only for `unavailable` (a
   * module that cannot be loaded, closing).
   */
  run(call: GuestCall): Promise<GuestOutcome>;
  stats(): EngineStats;
}
