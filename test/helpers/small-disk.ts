import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess } from './server-process.js';

/** A small file system in a mount namespace of its own. */
export interface SmallDisk {
  /** Where it is mounted, for processes inside. */
  readonly dir: string;
  /** What a command has to be started with to be inside. */
  readonly enter: readonly string[];
  /** Takes all that is left, so that nothing can be written. */
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

/** Mounting needs a right that not every user has. */
export const canMount = (): boolean => spawnSync('unshare', ['-m', 'true']).status === 0;

export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const dir = mkdtempSync(join(tmpdir(), 'orama-small-'));
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && echo mounted && exec sleep infinity`;
  const holder = spawn('unshare', ['-m', 'sh', '-c', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  // The file system as those inside see it.
  const ballast = join(`/proc/${holder.pid}/root`, dir, 'ballast');
  return {
    dir,
    // Entering leaves the directory that one was in.
    enter: [
      'nsenter',
      ...['-t', String(holder.pid), '-m', 'sh', '-c', 'cd "$0" && exec "$@"', process.cwd()],
    ],
    async fill() {
      const file = await open(ballast, 'w');
      // In ever smaller steps, to the last page.
      for (let piece = 1 << 20; piece >= 4096; piece >>= 2) {
        const bytes = Buffer.alloc(piece);
        try {
          while ((await file.write(bytes)).bytesWritten === piece);
        } catch {
          // Full.
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
