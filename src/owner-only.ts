import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** Group and others. */
const OTHERS = 0o077;
/** Files looked at together. */
const AT_ONCE = 64;

/**
 * Called first by every main: what the process makes from then on is its owner's alone. Its threads
 * have it from there.
 */
export function makeOwnerOnly(): void {
  if (isMainThread) process.umask(OTHERS);
}

export interface Tightened {
  /** Entries that others could reach, and cannot any more. */
  changed: number;
  /** Entries that others can reach still, as they belong to somebody else. */
  failed: number;
}

/**
 * Takes everything under a directory from group and others; links are left alone, and not followed.
 * In `hidden`, a directory of very many files, nothing is looked at when others could not reach it
 * before.
 */
export async function tighten(root: string, hidden: string): Promise<Tightened> {
  const result: Tightened = { changed: 0, failed: 0 };
  if (process.platform === 'win32') return result;

  /** Whether others could reach it. */
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
      // A file may go while it is looked at: stores tidy up behind themselves.
      await Promise.all(batch.map(({ name }) => close(join(directory, name)).catch(() => undefined)));
    }
    for (const entry of entries) {
      if (entry.isDirectory()) await walk(join(directory, entry.name), isOpen).catch(() => undefined);
    }
  };
  await walk(root, false);
  return result;
}
