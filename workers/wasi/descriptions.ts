import type { File } from 'wasi-js/dist/types.js';
import type { GuestMemory } from '../wasm/run/memory.js';
import { ERRNO } from './errno.js';
import { RIGHT } from './rights.js';

const FDSTAT_BYTES = 24;
const FILESTAT_BYTES = 64;
const utf8 = new TextEncoder();

/** The WASI preview 1 functions that describe a guest's arguments, environment and descriptors. */
export function descriptions(
  memory: GuestMemory,
  args: () => readonly string[],
  descriptor: (number: number) => File | undefined,
): Record<string, (...args: never[]) => number> {
  const encoded = () => args().map((arg) => utf8.encode(`${arg}\0`));
  return {
    args_sizes_get: (count: number, bytes: number) => {
      const all = encoded();
      memory.setU32(count, all.length);
      memory.setU32(
        bytes,
        all.reduce((sum, arg) => sum + arg.length, 0),
      );
      return ERRNO.success;
    },
    args_get: (pointers: number, bytes: number) => {
      let at = bytes >>> 0;
      encoded().forEach((arg, index) => {
        memory.setU32((pointers >>> 0) + 4 * index, at);
        memory.write(at, arg);
        at += arg.length;
      });
      return ERRNO.success;
    },
    // The environment is empty: functions read their settings through host calls.
    environ_sizes_get: (count: number, bytes: number) => {
      memory.setU32(count, 0);
      memory.setU32(bytes, 0);
      return ERRNO.success;
    },
    environ_get: () => ERRNO.success,
    fd_fdstat_get: (number: number, result: number) => {
      const file = descriptor(number);
      if (file === undefined) return ERRNO.badf;
      const stat = new DataView(new ArrayBuffer(FDSTAT_BYTES));
      stat.setUint8(0, file.filetype ?? 0);
      stat.setBigUint64(8, file.rights.base, true);
      stat.setBigUint64(16, file.rights.inheriting, true);
      memory.write(result, new Uint8Array(stat.buffer));
      return ERRNO.success;
    },
    fd_filestat_get: (number: number, result: number) => {
      const file = descriptor(number);
      if (file === undefined) return ERRNO.badf;
      if ((file.rights.base & RIGHT.fdFilestatGet) === 0n) return ERRNO.perm;
      const stat = new Uint8Array(FILESTAT_BYTES);
      stat[16] = file.filetype ?? 0;
      memory.write(result, stat);
      return ERRNO.success;
    },
  };
}
