import { posix } from 'node:path';

/**
 * Ends a guest that asked to end. Not an Error: capturing a stack for each exit would cost more
 * than the exit.
 */
export class GuestExit {
  constructor(readonly code: number) {}
}

const NOTHING_THERE = { atimeMs: 0, mtimeMs: 0, ctimeMs: 0, dev: 0, ino: 0, nlink: 0, size: 0 };

function refuse(): never {
  throw Object.assign(new Error('there is no file system'), { code: 'EBADF' });
}

/**
 * The file system that wasi-js sees: none. Everything is EBADF, but closing and syncing succeed
 * without doing anything, since wasi-js passes the guest's descriptors 0–2 on, and those numbers
 * are the process's own streams.
 */
const noFileSystem: object = new Proxy(
  {
    constants: {},
    closeSync: () => {},
    fsyncSync: () => {},
    fdatasyncSync: () => {},
    fstatSync: () => NOTHING_THERE,
  },
  { get: (target, name) => Reflect.get(target, name) ?? refuse },
);

/**
 * What wasi-js asks of its host. Time and randomness are overridden one level up and never asked
 * for here.
 */
export const bindings = {
  hrtime: () => 0n,
  exit: (code: number) => {
    throw new GuestExit(code);
  },
  kill: (_signal: string) => {
    throw new GuestExit(128);
  },
  randomFillSync: refuse,
  isTTY: () => false,
  fs: noFileSystem,
  path: posix,
};
