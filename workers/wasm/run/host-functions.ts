import type { FunctionType } from '../binary/parse.js';
import { I32, I64 } from '../binary/value-types.js';

/** `text` and `bytes` are a pointer and a length; text is read as UTF-8. */
export type HostArg = 'text' | 'bytes' | 'i32' | 'i64';
/** `data` is a packed i64 (pointer << 32 | length), or the `_into` form's length. */
export type HostResult = 'data' | 'i32' | 'i64' | null;

export interface HostFunction {
  args: readonly HostArg[];
  result: HostResult;
}

/** The host functions of contract §2, importable from "env" and from "host". */
export const HOST_FUNCTIONS = {
  get_caller_wallet: { args: [], result: 'data' },
  get_request_id: { args: [], result: 'data' },
  get_env: { args: ['text'], result: 'data' },
  get_secret: { args: ['text'], result: 'data' },
  db_query: { args: ['text', 'text'], result: 'data' },
  db_execute: { args: ['text', 'text'], result: 'i32' },
  cache_get: { args: ['text'], result: 'data' },
  cache_set: { args: ['text', 'bytes', 'i64'], result: null },
  cache_incr: { args: ['text'], result: 'i64' },
  cache_incr_by: { args: ['text', 'i64'], result: 'i64' },
  cache_delete: { args: ['text'], result: 'i32' },
  http_fetch: { args: ['text', 'text', 'text', 'bytes'], result: 'data' },
  http_start: { args: ['text', 'text', 'text', 'bytes'], result: 'i32' },
  http_next: { args: ['i32'], result: 'data' },
  http_request: { args: [], result: 'data' },
  http_respond: { args: ['i32', 'text'], result: 'i32' },
  pubsub_publish: { args: ['text', 'bytes'], result: 'i32' },
  storage_put: { args: ['bytes'], result: 'data' },
  storage_get: { args: ['text'], result: 'data' },
  enqueue: { args: ['text', 'bytes', 'i64'], result: 'data' },
  log_debug: { args: ['text'], result: null },
  log_info: { args: ['text'], result: null },
  log_warn: { args: ['text'], result: null },
  log_error: { args: ['text'], result: null },
} as const satisfies Record<string, HostFunction>;

export type HostFunctionName = keyof typeof HOST_FUNCTIONS;

export const HOST_MODULES: readonly string[] = ['env', 'host'];
export const WASI_MODULE = 'wasi_snapshot_preview1';

/** Ends the name of a string-returning function's second, allocation-free form. */
const INTO = '_into';

/** The wasm parameters of each kind of argument. */
const PARAMETERS: Readonly<Record<HostArg, readonly number[]>> = {
  text: [I32, I32],
  bytes: [I32, I32],
  i32: [I32],
  i64: [I64],
};

/** All importable names: the table's own, and the `_into` form of those that return data. */
export interface HostImport {
  name: HostFunctionName;
  into: boolean;
  type: FunctionType;
}
export const HOST_IMPORTS: ReadonlyMap<string, HostImport> = new Map(
  (Object.keys(HOST_FUNCTIONS) as HostFunctionName[]).flatMap((name): [string, HostImport][] => {
    const { args, result }: HostFunction = HOST_FUNCTIONS[name];
    const params = args.flatMap((arg) => PARAMETERS[arg]);
    const results = result === null ? [] : [result === 'i32' ? I32 : I64];
    const plain: HostImport = { name, into: false, type: { params, results } };
    if (result !== 'data') return [[name, plain]];
    const type = { params: [...params, I32, I32], results: [I32] };
    return [
      [name, plain],
      [`${name}${INTO}`, { name, into: true, type }],
    ];
  }),
);

/**
 * Parameter types of each preview-1 function, i = i32, I = i64; all return i32 but the one marked
 * `-`.
 */
const WASI_PARAMETERS: Record<string, string> = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_get: 'ii',
  fd_prestat_dir_name: 'iii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i-',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
};

/** Every function of WASI preview 1 with its type. */
export const WASI_IMPORTS: ReadonlyMap<string, FunctionType> = new Map(
  Object.entries(WASI_PARAMETERS).map(([name, shape]) => [
    name,
    {
      params: [...shape.replace('-', '')].map((letter) => (letter === 'I' ? I64 : I32)),
      results: shape.endsWith('-') ? [] : [I32],
    },
  ]),
);
