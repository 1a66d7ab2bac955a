import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlGroup, controlGroup } from './control-group.js';

const LIMIT = 'pids.max';

/** A control group whose number of processes and threads can be limited. */
export interface ProcessLimit extends Pick<ControlGroup, 'enter' | 'close'> {
  /** Refuses new threads and processes; those that exist go on. */
  refuse(): void;
  allow(): void;
}

/** Returns null where this user may create no control group. */
export function processLimit(): ProcessLimit | null {
  const group = controlGroup('pids', { [LIMIT]: 'max' });
  if (group === null) return null;
  const limit = (most: string) => writeFileSync(join(group.directory, LIMIT), most);
  return { enter: group.enter, close: group.close, refuse: () => limit('1'), allow: () => limit('max') };
}
