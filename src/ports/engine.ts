import type { WarmStart } from '../contract/function.js';
import type { EngineFunctionName, HostResult } from '../contract/host-functions.js';
import type { ResponseText } from '../contract/http-exchange.js';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { LogMessage } from '../contract/invocation.js';
import type { CancelSignal } from './cancel-signal.js';
import type { Closable } from './closable.js';

/** Result of inspecting a module at deploy. */
export interface ModuleInspection {
  kind: 'command' | 'reactor';
  /** The fastest start strategy that gave the same results as a fresh instance on probe inputs. */
  warmStart: WarmStart;
  /** Why a faster strategy was rejected; absent if the module's best strategy was chosen. */
  note?: string;
  /** The probe ended without a result and is worth repeating. */
  inconclusive?: true;
}

export interface InspectSettings {
  cid: string;
  name: FunctionName;
  memoryLimitMb: number;
  /** Inspections are scheduled fairly by namespace. */
  namespace: Namespace;
  /** Repeats an inconclusive probe in the background with a longer time limit. */
  again?: boolean;
}

/**
 * Calls the host functions of contract §2 for one invocation: its namespace, caller, env, secrets
 * and trigger depth. Rejects with the error that appears in the invocation's log. `signal` is
 * aborted when the guest has ended.
 */
export type HostCaller = (
  name: EngineFunctionName,
  args: readonly unknown[],
  signal: AbortSignal,
) => Promise<HostResult>;

/** A module that was accepted at deploy, with the settings to run it. */
export interface GuestModule {
  /** The guest's argv[0]. */
  functionName: FunctionName;
  namespace: Namespace;
  cid: string;
  /** Loads the bytes; called only if the module is not compiled in this process yet. */
  loadWasm(): Promise<Uint8Array>;
  warmStart: WarmStart;
  memoryLimitMb: number;
}

export interface GuestCall extends GuestModule {
  requestId: RequestId;
  timeoutMs: number;
  input: Uint8Array;
  callerWallet: string;
  /**
   * Environment variables, read with get_env. Those that the engine adds begin with ORAMA_; see
   * docs/functions.md.
   */
  env: Readonly<Record<string, string>>;
  /** The result of `http_request()` as JSON text. */
  httpRequest?: string | undefined;
  host: HostCaller;
  /** A caller waits for the result: the run is scheduled before those without one. */
  urgent?: boolean;
  /** Stops the guest; the outcome is then `cancelled`. */
  signal?: CancelSignal;
  /**
   * Called when the guest is about to begin, or when the thread for which it is the next run has
   * reached it. Called again if the run is restarted.
   */
  onBegin?(): void;
}

export interface GuestOutcome {
  status: 'success' | 'error' | 'timeout' | 'cancelled';
  output: Uint8Array;
  /** One sentence; null on success. */
  error: string | null;
  /** The guest's exit code, if it exited by itself. */
  exitCode: number | null;
  response?: ResponseText;
  /** Wall time of the guest with its host calls, without the time it has waited for a thread. */
  durationMs: number;
  /** The guest's largest memory; if it was stopped, its memory at its last host call. */
  memoryPeakMb: number;
  /**
   * Log messages in order; stderr lines have level `error`. Truncated as contract §1 defines, with
   * a note.
   */
  messages: LogMessage[];
  /** When the guest began, in Unix milliseconds. */
  startedAt: number;
}

/** Figures of this process, which `/v1/status` and `/metrics` show. */
export interface EngineStats {
  /** Guest threads. */
  threads: number;
  /** Guests that compute. */
  busy: number;
  /** Guests that wait in a host call. */
  parked: number;
  /** Runs that wait for a thread. */
  waiting: number;
  /** Instances kept for the next run of their function. */
  warmInstances: number;
  /** The limits of running guests, and the memory of parked guests and warm instances. */
  memoryMb: number;
  /** Runs since the process started that used a warm instance. */
  warmRuns: number;
  /** Runs since the process started that needed a new instance. */
  freshRuns: number;
  /** Threads terminated since the process started, to stop their guest. */
  kills: number;
}

/**
 * Runs guests: WASI preview 1 modules in worker threads under hard memory and time limits. A thread
 * runs one invocation at a time, each in an instance without any state of another invocation.
 */
export interface Engine extends Closable {
  /**
   * Validates, compiles and probes a module off the main thread. Throws `invalid_module` with a
   * message that says what is wrong: not a WASM module, an unknown import (by name), no `_start` or
   * `handle` export, or an initial memory above the limit.
   */
  inspect(wasm: Uint8Array, settings: InspectSettings): Promise<ModuleInspection>;
  /** Compiles a module in advance. Rejects with the same error as a call would. */
  prepare(module: GuestModule): Promise<void>;
  /**
   * Resolves with an outcome for anything that the guest does. Rejects only with `unavailable`, if
   * the module cannot be loaded, no thread can be started or the engine is closing.
   */
  run(call: GuestCall): Promise<GuestOutcome>;
  /** Rejects with `unavailable` while no thread can be started, so that no guest can run. */
  ping(): Promise<void>;
  stats(): EngineStats;
}
