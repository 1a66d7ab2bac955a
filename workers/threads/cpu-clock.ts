import { readFileSync, readlinkSync } from 'node:fs';

const NS_PER_MS = 1e6;

/**
 * The operating system's number of the thread that calls this; null where it cannot be told (Linux
 * tells it in /proc).
 */
export function ownThreadNumber(): number | null {
  try {
    const number = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    return Number.isInteger(number) ? number : null;
  } catch {
    return null;
  }
}

/** Milliseconds of processor time since some moment. */
export type CpuClock = () => number;

/**
 * Processor time of a thread of this process, from Linux's scheduler statistics (nanoseconds on a
 * core are the first field of schedstat). Elsewhere an upper bound of it, which other processes do
 * not raise: the time that has passed, or the whole process's processor time where that is less.
 */
export function cpuClock(thread: number | null): CpuClock {
  const path = `/proc/self/task/${thread}/schedstat`;
  const read = () => Number(readFileSync(path, 'utf8').split(' ')[0]) / NS_PER_MS;
  try {
    if (thread !== null && Number.isFinite(read())) {
      let last = 0;
      return () => {
        try {
          last = read();
        } catch {
          // The thread has ended; it used no more.
        }
        return last;
      };
    }
  } catch {
    // Not there: another system, or statistics switched off.
  }
  return boundClock();
}

function boundClock(): CpuClock {
  const since = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - since, (user + system) / 1000);
  };
}
