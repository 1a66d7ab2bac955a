import { MAX_DELAY_SECONDS, MAX_PARALLEL_FETCHES } from './limits.js';
import type { QuotaName } from './quotas.js';

/**
 * How an argument crosses from the guest. `text` and `bytes` are a pointer and a length (two i32),
 * text is UTF-8; `seconds` is an i64 that must be from 0 to the third part of its entry.
 */
export type HostArgKind = 'text' | 'bytes' | 'i32' | 'i64' | 'seconds';
export type HostArg =
  | readonly [name: string, kind: Exclude<HostArgKind, 'seconds'>]
  | readonly [name: string, kind: 'seconds', max: number];

/** `data` is a packed i64 (pointer << 32 | length), or the `_into` form's length. */
export type HostResultKind = 'data' | 'i32' | 'i64' | null;

/** One row of the table: type checks, dispatch, limits, metrics, spans and docs derive from it. */
export interface HostFunction {
  args: readonly HostArg[];
  result: HostResultKind;
  /**
   * Who answers: the engine, behind a call to the main thread (`HostCalls`); the guest's own
   * thread, from what the invocation brought along (`thread-calls.ts`); or its log, which counts
   * against no quota of calls.
   */
  by: 'engine' | 'thread' | 'log';
  /** One line for docs/host-functions.md. */
  does: string;
  /** What an i32 is after a failure, where that is not 0. */
  onFailure?: number;
  /** Known to take long: its guest gives up its CPU slot at once. */
  isSlow?: true;
  /** The quota of the namespace that it counts against. */
  quota?: QuotaName;
  /** The name in metrics and spans, where it shares that of another function. */
  countedAs?: string;
}

/** The host functions of contract §2, importable from "env" and from "host". */
export const HOST_FUNCTIONS = {
  get_caller_wallet: {
    args: [],
    result: 'data',
    by: 'thread',
    does: 'the wallet that a JWT proved; empty for other callers',
  },
  get_request_id: { args: [], result: 'data', by: 'thread', does: "this invocation's id" },
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
    does: 'SELECT in the namespace’s database; a JSON array of row objects',
  },
  db_execute: {
    args: [
      ['sql', 'text'],
      ['args_json', 'text'],
    ],
    result: 'i32',
    by: 'engine',
    does: 'INSERT, UPDATE, DELETE or DDL; the affected rows, −1 on failure',
    onFailure: -1,
    quota: 'database_mb',
  },
  cache_get: {
    args: [['key', 'text']],
    result: 'data',
    by: 'engine',
    does: 'the bytes of a cache entry; empty on a miss',
  },
  cache_set: {
    args: [
      ['key', 'text'],
      ['value', 'bytes'],
      ['ttl', 'seconds', Number.MAX_SAFE_INTEGER],
    ],
    result: null,
    by: 'engine',
    does: 'sets a cache entry; a TTL of 0 has no end',
    quota: 'cache_mb',
  },
  cache_incr: {
    args: [['key', 'text']],
    result: 'i64',
    by: 'engine',
    does: 'adds 1 to a counter, atomically, from 0; the new value',
    quota: 'cache_mb',
  },
  cache_incr_by: {
    args: [
      ['key', 'text'],
      ['delta', 'i64'],
    ],
    result: 'i64',
    by: 'engine',
    does: 'adds `delta` to a counter, atomically, from 0; the new value',
    quota: 'cache_mb',
    countedAs: 'cache_incr',
  },
  cache_delete: {
    args: [['key', 'text']],
    result: 'i32',
    by: 'engine',
    does: '1 when the entry was there',
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
    does: 'an HTTP request: `{"status", "headers", "body"}`, or `{"error", "status": 0}`',
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
    does: `starts a request beside others, at most ${MAX_PARALLEL_FETCHES}; its handle, 0 when it is refused`,
  },
  http_next: {
    args: [['timeout_ms', 'i32']],
    result: 'data',
    by: 'engine',
    does: 'the next started request to end, as `http_fetch` answers, with its `handle`; empty when none is left or the time is up',
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
    does: 'sets status and headers of the reply of an HTTP function; 1 when they are valid',
  },
  pubsub_publish: {
    args: [
      ['topic', 'text'],
      ['data_json', 'bytes'],
    ],
    result: 'i32',
    by: 'engine',
    does: '1 once the message is durable, else 0',
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
    does: 'a blob that this namespace has put',
  },
  enqueue: {
    args: [
      ['function', 'text'],
      ['payload_json', 'bytes'],
      ['delay_seconds', 'seconds', MAX_DELAY_SECONDS],
    ],
    result: 'data',
    by: 'engine',
    does: 'runs a function later; its request id',
    quota: 'jobs_per_invocation',
  },
  log_debug: { args: [['message', 'text']], result: null, by: 'log', does: 'a line in the log' },
  log_info: { args: [['message', 'text']], result: null, by: 'log', does: 'a line in the log' },
  log_warn: { args: [['message', 'text']], result: null, by: 'log', does: 'a line in the log' },
  log_error: { args: [['message', 'text']], result: null, by: 'log', does: 'a line in the log' },
} as const satisfies Record<string, HostFunction>;

type Table = typeof HOST_FUNCTIONS;
export type HostFunctionName = keyof Table;

type NamesAnswered<By extends HostFunction['by']> = {
  [Name in HostFunctionName]: Table[Name]['by'] extends By ? Name : never;
}[HostFunctionName];
export type EngineFunctionName = NamesAnswered<'engine'>;
export type ThreadFunctionName = NamesAnswered<'thread'>;

/** What each kind of argument is to whoever answers. */
interface ArgValues {
  text: string;
  bytes: Uint8Array;
  i32: number;
  i64: bigint;
  seconds: number;
}

type ArgsOf<Args extends readonly HostArg[]> = { [Index in keyof Args]: ArgValues[Args[Index][1]] };

/** An i32 with a line for the invocation's log. */
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
 * An implementation of every function that the engine answers, bound to one invocation. `signal`
 * fires when its guest is gone. What one throws is the reason that the invocation's log shows.
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

/** Rows by name, without the types of each. */
export function hostFunction(name: HostFunctionName): HostFunction {
  return HOST_FUNCTIONS[name];
}

export function hostFunctionNames(): HostFunctionName[] {
  return Object.keys(HOST_FUNCTIONS) as HostFunctionName[];
}
