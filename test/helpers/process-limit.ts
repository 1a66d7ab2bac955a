import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';

const V1 = '/sys/fs/cgroup/pids';
const V2 = '/sys/fs/cgroup';

/** A control group whose number of processes and threads can be limited. */
export interface ProcessLimit {
  /** Command prefix that runs a command in the group. */
  readonly enter: readonly string[];
  /** Refuses new threads and processes; those that exist go on. */
  refuse(): void;
  allow(): void;
  /** Removes the group. Its processes must have ended. */
  close(): Promise<void>;
}

/** Returns null where this user may create no control group. */
export function processLimit(): ProcessLimit | null {
  const directory = join(existsSync(V1) ? V1 : V2, `orama-test-${process.pid}-${Date.now()}`);
  const limit = (most: string) => writeFileSync(join(directory, 'pids.max'), most);
  try {
    mkdirSync(directory);
    limit('max');
  } catch {
    return null;
  }
  return {
    enter: ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory],
    refuse: () => limit('1'),
    allow: () => limit('max'),
    // The kernel takes a moment to let go of an ended process.
    close: async () => {
      await until('the control group is empty', () => {
        try {
          rmdirSync(directory);
          return true;
        } catch {
          return false;
        }
      });
    },
  };
}
