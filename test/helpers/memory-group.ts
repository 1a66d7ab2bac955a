import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlGroup, controlGroup, isV1 } from './control-group.js';

/** A control group whose processes the kernel kills when together they need too much memory. */
export interface MemoryGroup extends Pick<ControlGroup, 'enter' | 'close'> {
  /** The number of processes that the kernel has killed. */
  kills(): number;
}

/** Returns null where this user may create no control group. */
export function memoryGroup(megabytes: number): MemoryGroup | null {
  const [limit, events] = isV1('memory')
    ? ['memory.limit_in_bytes', 'memory.oom_control']
    : ['memory.max', 'memory.events'];
  const group = controlGroup('memory', { [limit]: String(megabytes << 20) });
  if (group === null) return null;
  const kills = () =>
    Number(/oom_kill (\d+)/.exec(readFileSync(join(group.directory, events), 'utf8'))?.[1] ?? 0);
  return { enter: group.enter, close: group.close, kills };
}
