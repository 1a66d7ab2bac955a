import { posix } from 'node:path';

const EMPTY_STAT = { atimeMs: 0, mtimeMs: 0, ctimeMs: 0, dev: 0, ino: 0, nlink: 0, size: 0 };

function refuse(): never {
  throw Object.assign(new Error('there is no file system'), { code: 'EBADF' });
}

/**
 * The file system that wasi-js uses: an empty one. Every operation fails with EBADF, except closing
 * and syncing, which succeed without effect: wasi-js passes on the guest's descriptors 0–2, and
 * those numbers are the standard streams of the process.
 */
const noFileSystem: object = new Proxy(
  {
    constants: {},
    closeSync: () => {},
    fsyncSync: () => {},
    fdatasyncSync: () => {},
    fstatSync: () => EMPTY_STAT,
  },
  { get: (target, name) => Reflect.get(target, name) ?? refuse },
);

/**
 * The host bindings of wasi-js. Its functions for time, randomness and the end of the process are
 * overridden in wasi.ts and never call these bindings.
 */
export const bindings = {
  hrtime: () => 0n,
  exit: refuse,
  kill: refuse,
  randomFillSync: refuse,
  isTTY: () => false,
  fs: noFileSystem,
  path: posix,
};
