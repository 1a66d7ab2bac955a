import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

/** A control group whose processes the kernel kills when together they need too much memory. */
export interface MemoryGroup {
  /** Command prefix that runs a command in the group. */
  readonly enter: readonly string[];
  /** The number of processes that the kernel has killed. */
  kills(): number;
  /** Removes the group. Its processes must have been killed. */
  close(): Promise<void>;
}

/** Returns null where this user may create no control group. */
export function memoryGroup(megabytes: number): MemoryGroup | null {
  const isV1 = existsSync(V1);
  const directory = join(isV1 ? V1 : V2, `orama-test-${process.pid}-${Date.now()}`);
  const [limit, events] = isV1
    ? ['memory.limit_in_bytes', 'memory.oom_control']
    : ['memory.max', 'memory.events'];
  try {
    mkdirSync(directory);
    writeFileSync(join(directory, limit), String(megabytes << 20));
  } catch {
    return null;
  }
  return {
    enter: ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory],
    kills: () => Number(/oom_kill (\d+)/.exec(readFileSync(join(directory, events), 'utf8'))?.[1] ?? 0),
    // The kernel takes a moment to let go of a killed process.
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
