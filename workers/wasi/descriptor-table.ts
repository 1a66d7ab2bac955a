import type { File } from 'wasi-js/dist/types.js';
import type wasiJs from 'wasi-js/dist/wasi.js';
import { ERRNO } from './errno.js';
import { RIGHT } from './rights.js';

type Wasi = Pick<InstanceType<typeof wasiJs.default>, 'FD_MAP' | 'wasiImport'>;
type WasiFunctions = Record<string, (...args: never[]) => number>;

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/**
 * A standard stream in the representation of wasi-js. WASI preview 1 has no file type for pipes;
 * like node:wasi, this uses socket_stream. A character device would be a terminal, on which
 * interpreters become interactive.
 */
const SOCKET_STREAM = 6;
const STREAM_RIGHTS =
  RIGHT.fdDatasync |
  RIGHT.fdFdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.fdAdvise |
  RIGHT.fdFilestatGet |
  RIGHT.pollFdReadwrite;

function stream(descriptor: number): File {
  const base = STREAM_RIGHTS | (descriptor === STDIN ? RIGHT.fdRead : RIGHT.fdWrite);
  return { real: descriptor, filetype: SOCKET_STREAM, rights: { base, inheriting: 0n } };
}

/** Resets the descriptor table of a guest to its three standard streams. */
export function resetTable(table: Map<number, File>): void {
  // fd_fdstat_set_rights modifies the rights objects, so each invocation gets new ones.
  table.clear();
  for (const descriptor of [STDIN, STDOUT, STDERR]) table.set(descriptor, stream(descriptor));
}

/**
 * The WASI preview 1 functions that change the descriptor table, and those that no stream in it
 * supports.
 */
export function tableFunctions({ FD_MAP: table, wasiImport }: Wasi): WasiFunctions {
  const isOpen = (descriptor: number) => table.has(descriptor);
  const notSeekable = (descriptor: number) => (isOpen(descriptor) ? ERRNO.spipe : ERRNO.badf);
  const notSocket = (descriptor: number) => (isOpen(descriptor) ? ERRNO.notsock : ERRNO.badf);
  const setRights = wasiImport.fd_fdstat_set_rights as (...args: [number, bigint, bigint]) => number;
  return {
    fd_pread: notSeekable,
    fd_pwrite: notSeekable,
    fd_seek: notSeekable,
    fd_tell: notSeekable,
    // wasi-js reports the standard streams as preopened directories.
    fd_prestat_get: () => ERRNO.badf,
    fd_prestat_dir_name: () => ERRNO.badf,
    fd_fdstat_set_flags: (descriptor: number) => (isOpen(descriptor) ? ERRNO.success : ERRNO.badf),
    // wasi-js compares the rights as signed numbers: all of them would be less than those that it
    // has.
    fd_fdstat_set_rights: (descriptor: number, base: bigint, inheriting: bigint) =>
      setRights(descriptor, BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)),
    fd_renumber: (from: number, to: number) => {
      const file = table.get(from);
      if (file === undefined || !isOpen(to)) return ERRNO.badf;
      if (from === to) return ERRNO.success;
      table.set(to, file);
      table.delete(from);
      return ERRNO.success;
    },
    sock_accept: notSocket,
    sock_recv: notSocket,
    sock_send: notSocket,
    sock_shutdown: notSocket,
  };
}
