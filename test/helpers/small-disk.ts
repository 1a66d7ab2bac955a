import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess } from './server-process.js';

/** A small file system in a separate mount namespace. */
export interface SmallDisk {
  /** The mount point, as seen by processes inside. */
  readonly dir: string;
  /** Command prefix that runs a command inside. */
  readonly enter: readonly string[];
  /** Fills the file system completely. */
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

/** Mounting requires a privilege that not every user has. */
export const canMount = (): boolean => spawnSync('unshare', ['-m', 'true']).status === 0;

export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const dir = mkdtempSync(join(tmpdir(), 'orama-small-'));
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && echo mounted && exec sleep infinity`;
  const holder = spawn('unshare', ['-m', 'sh', '-c', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  // The path of the file system from outside.
  const ballast = join(`/proc/${holder.pid}/root`, dir, 'ballast');
  return {
    dir,
    // nsenter changes the working directory, so restore it.
    enter: [
      'nsenter',
      ...['-t', String(holder.pid), '-m', 'sh', '-c', 'cd "$0" && exec "$@"', process.cwd()],
    ],
    async fill() {
      const file = await open(ballast, 'w');
      // In decreasing steps down to one page.
      for (let piece = 1 << 20; piece >= 4096; piece >>= 2) {
        const bytes = Buffer.alloc(piece);
        try {
          while ((await file.write(bytes)).bytesWritten === piece);
        } catch {
          // The file system is full.
        }
      }
      await file.close();
    },
    free: () => rm(ballast, { force: true }),
    async close() {
      await endProcess(holder);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
