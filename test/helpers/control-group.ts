import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';

const ROOT = '/sys/fs/cgroup';

/** A control group of the kernel. */
export interface ControlGroup {
  readonly directory: string;
  /** Command prefix that runs a command in the group. */
  readonly enter: readonly string[];
  /** Removes the group. Its processes must have ended. */
  close(): Promise<void>;
}

/** Whether the controller has a hierarchy of its own (control groups v1). */
export function isV1(controller: string): boolean {
  return existsSync(join(ROOT, controller));
}

/**
 * Creates a group with these limits, by the names of their files. Returns null where this user may
 * not.
 */
export function controlGroup(controller: string, limits: Record<string, string>): ControlGroup | null {
  const directory = join(
    isV1(controller) ? join(ROOT, controller) : ROOT,
    `orama-test-${process.pid}-${Date.now()}`,
  );
  try {
    mkdirSync(directory);
    for (const [name, value] of Object.entries(limits)) writeFileSync(join(directory, name), value);
  } catch {
    return null;
  }
  return {
    directory,
    enter: ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory],
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
