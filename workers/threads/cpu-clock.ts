import { readFileSync, readlinkSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** Returns the operating system's id of the calling thread, from /proc (Linux); null elsewhere. */
export function ownOsThreadId(): number | null {
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    return Number.isInteger(id) ? id : null;
  } catch {
    return null;
  }
}

/** Returns CPU time since an arbitrary origin, in milliseconds. */
export type CpuClock = () => number;

/**
 * Returns a clock of the CPU time of a thread of this process, from Linux's scheduler statistics:
 * the first field of /proc/<pid>/task/<tid>/schedstat, in nanoseconds. Elsewhere the clock is an
 * upper bound that other processes do not increase: the smaller of elapsed time and the CPU time of
 * the whole process.
 */
export function cpuClock(osThreadId: number | null): CpuClock {
  const path = `/proc/self/task/${osThreadId}/schedstat`;
  const read = () => Number(readFileSync(path, 'utf8').split(' ')[0]) / NS_PER_MS;
  try {
    if (osThreadId !== null && Number.isFinite(read())) {
      let last = 0;
      return () => {
        try {
          last = read();
        } catch {
          // The thread has ended, so its CPU time no longer changes.
        }
        return last;
      };
    }
  } catch {
    // Not available: another operating system, or scheduler statistics are disabled.
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
