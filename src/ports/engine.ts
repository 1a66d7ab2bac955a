import type { WarmStart } from '../contract/function.js';
import type { EngineFunctionName, HostResult } from '../contract/host-functions.js';
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
 * trigger depth. Rejects with the reason that the invocation's log shows; `signal` fires when the
 * guest is gone.
 */
export type HostCaller = (
  name: EngineFunctionName,
  args: readonly unknown[],
  signal: AbortSignal,
) => Promise<HostResult>;

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
  host: HostCaller;
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
