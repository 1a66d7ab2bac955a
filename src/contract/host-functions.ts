import {
  MAX_DELAY_SECONDS,
  MAX_HOST_RESULT_BYTES,
  MAX_HOST_TEXT,
  MAX_PARALLEL_FETCHES,
  MAX_SQL_ARGS,
  MAX_TTL_SECONDS,
} from './limits.js';
import type { QuotaName } from './quotas.js';

/**
 * How an argument is passed by the guest. `text` (UTF-8) and `bytes` are a pointer and a length
 * (two i32); `seconds` is an i64 from 0 to the third element of its entry.
 */
export type HostArgKind = 'text' | 'bytes' | 'i32' | 'i64' | 'seconds';
export type HostArg =
  | readonly [name: string, kind: Exclude<HostArgKind, 'seconds'>]
  | readonly [name: string, kind: 'seconds', max: number];

/** `data` is a packed i64 (pointer << 32 | length), or the length in the `_into` form. */
export type HostResultKind = 'data' | 'i32' | 'i64' | null;

/**
 * One row of the table. Type checks, dispatch, limits, metrics, spans and docs are derived from it.
 */
export interface HostFunction {
  args: readonly HostArg[];
  result: HostResultKind;
  /**
   * Where the function is implemented: `engine` on the main thread (`HostCalls`), `thread` on the
   * guest's thread from data passed with the invocation (`thread-calls.ts`), `log` in the log,
   * which counts against no call quota.
   */
  by: 'engine' | 'thread' | 'log';
  /** One line for docs/host-functions.md. */
  does: string;
  /** The i32 result of a failure; default 0. */
  onFailure?: number;
  /** A slow function: the guest releases its CPU slot immediately. */
  isSlow?: true;
  /** The quota of the namespace that a call counts against. */
  quota?: QuotaName;
  /** Name in metrics and spans, if shared with another function. */
  countedAs?: string;
}

/** The host functions of contract §2, importable from "env" and from "host". */
const HOST_FUNCTIONS = {
  get_caller_wallet: {
    args: [],
    result: 'data',
    by: 'thread',
    does: "the wallet of the caller's JWT; empty for other callers",
  },
  get_request_id: { args: [], result: 'data', by: 'thread', does: 'the id of this invocation' },
  get_env: {
    args: [['key', 'text']],
    result: 'data',
    by: 'thread',
    does: 'a value of `env` in function.yaml, or one that the engine adds',
  },
  get_secret: {
    args: [['name', 'text']],
    result: 'data',
    by: 'engine',
    does: 'a secret of the namespace, decrypted',
  },
  db_query: {
    args: [
      ['sql', 'text'],
      ['args_json', 'text'],
    ],
    result: 'data',
    by: 'engine',
    does: 'runs a SELECT in the namespace’s database; a JSON array of row objects',
  },
  db_execute: {
    args: [
      ['sql', 'text'],
      ['args_json', 'text'],
    ],
    result: 'i32',
    by: 'engine',
    does: 'runs INSERT, UPDATE, DELETE or DDL; the number of affected rows, −1 on failure',
    onFailure: -1,
    quota: 'database_mb',
  },
  cache_get: {
    args: [['key', 'text']],
    result: 'data',
    by: 'engine',
    does: 'the value of a cache entry; empty on a miss',
  },
  cache_set: {
    args: [
      ['key', 'text'],
      ['value', 'bytes'],
      ['ttl', 'seconds', MAX_TTL_SECONDS],
    ],
    result: null,
    by: 'engine',
    does: 'sets a cache entry; a TTL of 0 means no expiry, and the longest is ten years',
    quota: 'cache_mb',
  },
  cache_incr: {
    args: [['key', 'text']],
    result: 'i64',
    by: 'engine',
    does: 'adds 1 to a counter atomically, starting at 0; the new value',
    quota: 'cache_mb',
  },
  cache_incr_by: {
    args: [
      ['key', 'text'],
      ['delta', 'i64'],
    ],
    result: 'i64',
    by: 'engine',
    does: 'adds `delta` to a counter atomically, starting at 0; the new value',
    quota: 'cache_mb',
    countedAs: 'cache_incr',
  },
  cache_delete: {
    args: [['key', 'text']],
    result: 'i32',
    by: 'engine',
    does: 'deletes a cache entry; 1 if it existed',
  },
  http_fetch: {
    args: [
      ['method', 'text'],
      ['url', 'text'],
      ['headers_json', 'text'],
      ['body', 'bytes'],
    ],
    result: 'data',
    by: 'engine',
    does: 'sends an HTTP request: `{"status", "headers", "body"}`, or `{"error", "status": 0}`',
    isSlow: true,
  },
  http_start: {
    args: [
      ['method', 'text'],
      ['url', 'text'],
      ['headers_json', 'text'],
      ['body', 'bytes'],
    ],
    result: 'i32',
    by: 'engine',
    does: `starts a concurrent request, at most ${MAX_PARALLEL_FETCHES}; its handle, 0 if it is refused`,
  },
  http_next: {
    args: [['timeout_ms', 'i32']],
    result: 'data',
    by: 'engine',
    does: 'the next completed request in the format of `http_fetch`, with its `handle`; empty if there is none or on timeout',
    isSlow: true,
  },
  http_request: {
    args: [],
    result: 'data',
    by: 'thread',
    does: 'the request of an HTTP function, as JSON; empty for other triggers',
  },
  http_respond: {
    args: [
      ['status', 'i32'],
      ['headers_json', 'text'],
    ],
    result: 'i32',
    by: 'thread',
    does: 'sets status and headers of the response of an HTTP function; 1 if they are valid',
  },
  pubsub_publish: {
    args: [
      ['topic', 'text'],
      ['data_json', 'bytes'],
    ],
    result: 'i32',
    by: 'engine',
    does: 'publishes a message; 1 once it is durable, otherwise 0',
    quota: 'jobs_per_invocation',
  },
  storage_put: {
    args: [['data', 'bytes']],
    result: 'data',
    by: 'engine',
    does: 'stores a blob; its CID',
    quota: 'storage_mb',
  },
  storage_get: {
    args: [['cid', 'text']],
    result: 'data',
    by: 'engine',
    does: 'a blob that this namespace has stored',
  },
  enqueue: {
    args: [
      ['function', 'text'],
      ['payload_json', 'bytes'],
      ['delay_seconds', 'seconds', MAX_DELAY_SECONDS],
    ],
    result: 'data',
    by: 'engine',
    does: 'enqueues an invocation of a function (also `name@version` or `name@alias`); its request id',
    quota: 'jobs_per_invocation',
  },
  log_debug: { args: [['message', 'text']], result: null, by: 'log', does: 'writes a line to the log' },
  log_info: { args: [['message', 'text']], result: null, by: 'log', does: 'writes a line to the log' },
  log_warn: { args: [['message', 'text']], result: null, by: 'log', does: 'writes a line to the log' },
  log_error: { args: [['message', 'text']], result: null, by: 'log', does: 'writes a line to the log' },
} as const satisfies Record<string, HostFunction>;

type Table = typeof HOST_FUNCTIONS;
export type HostFunctionName = keyof Table;

type NamesAnswered<By extends HostFunction['by']> = {
  [Name in HostFunctionName]: Table[Name]['by'] extends By ? Name : never;
}[HostFunctionName];
export type EngineFunctionName = NamesAnswered<'engine'>;
export type ThreadFunctionName = NamesAnswered<'thread'>;

/** Type of each kind of argument in the implementation. */
interface ArgValues {
  text: string;
  bytes: Uint8Array;
  i32: number;
  i64: bigint;
  seconds: number;
}

type ArgsOf<Args extends readonly HostArg[]> = { [Index in keyof Args]: ArgValues[Args[Index][1]] };

/** An i32 result with a line for the invocation's log. */
export interface NotedResult {
  value: number;
  note: string;
}

export interface HostResults {
  data: string | Uint8Array | null;
  i32: number | boolean | NotedResult;
  i64: bigint;
}

type ResultOf<Kind extends HostResultKind> = Kind extends keyof HostResults
  ? Promise<HostResults[Kind]>
  : Promise<void>;

export type HostArgs<Name extends HostFunctionName> = ArgsOf<Table[Name]['args']>;

/**
 * Implementations of all functions of the engine for one invocation. `signal` is aborted when the
 * guest has ended. A thrown error appears in the invocation's log.
 */
export type HostCalls = {
  readonly [Name in EngineFunctionName]: (
    ...args: [...HostArgs<Name>, signal: AbortSignal]
  ) => ResultOf<Table[Name]['result']>;
};

export type HostResult = HostResults[keyof HostResults] | undefined;

export function isEngineFunction(name: HostFunctionName): name is EngineFunctionName {
  return HOST_FUNCTIONS[name].by === 'engine';
}

export function isThreadFunction(name: HostFunctionName): name is ThreadFunctionName {
  return HOST_FUNCTIONS[name].by === 'thread';
}

/** Returns a row by name, without the literal types. */
export function hostFunction(name: HostFunctionName): HostFunction {
  return HOST_FUNCTIONS[name];
}

/**
 * Returns the maximum length of a text argument by its name. Longer ones are refused before they
 * are decoded, looked up or parsed, which would be at the expense of all namespaces. Null for SQL,
 * which has a smaller limit with a message of its own (db/function-databases/statement.ts).
 */
export function maxHostText(argument: string): number | null {
  if (argument === 'sql') return null;
  return argument === 'args_json' ? MAX_SQL_ARGS : MAX_HOST_TEXT;
}

/** Returns why a result of this size is refused; null if it is not. */
export function refusedResult(bytes: number): string | null {
  if (bytes <= MAX_HOST_RESULT_BYTES) return null;
  return `its result has ${bytes} bytes; at most ${MAX_HOST_RESULT_BYTES} (8 MB) are allowed`;
}

export function hostFunctionNames(): HostFunctionName[] {
  return Object.keys(HOST_FUNCTIONS) as HostFunctionName[];
}
