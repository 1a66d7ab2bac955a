import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** Permission bits of group and others. */
const OTHERS = 0o077;
/** Number of files that are checked concurrently. */
const AT_ONCE = 64;

/**
 * Sets the umask so that files created by the process are accessible to their owner only. Every
 * entry point calls it first. Worker threads inherit the umask.
 */
export function makeOwnerOnly(): void {
  if (isMainThread) process.umask(OTHERS);
}

export interface Tightened {
  /** Number of entries whose group and other permissions were removed. */
  changed: number;
  /** Number of entries whose permissions could not be changed, because another user owns them. */
  failed: number;
}

/**
 * Removes group and other permissions from everything under a directory. Symbolic links are neither
 * changed nor followed. The contents of `hidden`, a directory with very many files, are skipped if
 * the directory was already inaccessible to others.
 */
export async function tighten(root: string, hidden: string): Promise<Tightened> {
  const result: Tightened = { changed: 0, failed: 0 };
  if (process.platform === 'win32') return result;

  /**
   * Removes the permissions from one entry. Resolves with whether the entry was accessible to
   * others.
   */
  const close = async (path: string): Promise<boolean> => {
    const { mode } = await lstat(path);
    if ((mode & OTHERS) === 0) return false;
    try {
      await chmod(path, mode & 0o7777 & ~OTHERS);
      result.changed += 1;
    } catch {
      result.failed += 1;
    }
    return true;
  };
  const walk = async (directory: string, wasOpen: boolean): Promise<void> => {
    const isOpen = (await close(directory)) || wasOpen;
    if (directory === hidden && !isOpen) return;
    const entries = await readdir(directory, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory() && !entry.isSymbolicLink());
    for (let from = 0; from < files.length; from += AT_ONCE) {
      const batch = files.slice(from, from + AT_ONCE);
      // A file may be deleted concurrently, as stores clean up their own files.
      await Promise.all(batch.map(({ name }) => close(join(directory, name)).catch(() => undefined)));
    }
    for (const entry of entries) {
      if (entry.isDirectory()) await walk(join(directory, entry.name), isOpen).catch(() => undefined);
    }
  };
  await walk(root, false);
  return result;
}
