import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const EVERY_MS = 50;

/** Returns the memory of a process in MB, and its peak until `end` is called. */
export async function watchMemory(pid: number): Promise<{ before: number; end(): Promise<number> }> {
  const now = async () => {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
    return Number(stdout) / 1024;
  };
  const before = await now();
  let most = before;
  let asking = Promise.resolve();
  const timer = setInterval(() => {
    asking = now().then(
      (mb) => {
        most = Math.max(most, mb);
      },
      () => undefined,
    );
  }, EVERY_MS);
  return {
    before,
    async end() {
      clearInterval(timer);
      await asking;
      return most;
    },
  };
}
