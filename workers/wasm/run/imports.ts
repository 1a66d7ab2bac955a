import {
  type HostArgKind,
  type HostFunctionName,
  hostFunction,
  hostFunctionNames,
} from '../../../src/contract/host-functions.js';
import type { FunctionType } from '../binary/module.js';
import { I32, I64 } from '../binary/value-types.js';

/** The module names under which host functions can be imported. */
export const HOST_MODULES: readonly string[] = ['env', 'host'];
/** The module name of WASI preview 1. */
export const WASI_MODULE = 'wasi_snapshot_preview1';

/** The suffix of the allocation-free variant of a function that returns data. */
const INTO = '_into';

/** The WebAssembly parameters of each kind of argument. */
const PARAMETERS: Readonly<Record<HostArgKind, readonly number[]>> = {
  text: [I32, I32],
  bytes: [I32, I32],
  i32: [I32],
  i64: [I64],
  seconds: [I64],
};

/**
 * An importable host function: a function of the table, or its `_into` variant if it returns data.
 */
export interface HostImport {
  name: HostFunctionName;
  into: boolean;
  type: FunctionType;
}
/** All importable host functions, by import name. */
export const HOST_IMPORTS: ReadonlyMap<string, HostImport> = new Map(
  hostFunctionNames().flatMap((name): [string, HostImport][] => {
    const { args, result } = hostFunction(name);
    const params = args.flatMap(([, kind]) => PARAMETERS[kind]);
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
 * The parameter types of each WASI preview 1 function: i = i32, I = i64. All functions return an
 * i32, except the one marked with `-`.
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

/** All functions of WASI preview 1 with their types. */
export const WASI_IMPORTS: ReadonlyMap<string, FunctionType> = new Map(
  Object.entries(WASI_PARAMETERS).map(([name, shape]) => [
    name,
    {
      params: [...shape.replace('-', '')].map((letter) => (letter === 'I' ? I64 : I32)),
      results: shape.endsWith('-') ? [] : [I32],
    },
  ]),
);
