import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * An ended guest's memory is left to V8, which returns it when it sees fit. With a large one that
 * is too late: the next guest's would come on top, and the process would take more than the limits
 * of what runs. So they are collected at once, after the reply: 2 ms on a thread's small heap.
 */
const LARGE_BYTES = 8 << 20;

let collect: (() => void) | null = null;

/** Whether a memory of this size is collected at once. */
export function isLarge(bytes: number): boolean {
  return bytes >= LARGE_BYTES;
}

/** To be called when a guest's memory of this size has been let go of. */
export function collectAfter(bytes: number): void {
  if (!isLarge(bytes)) return;
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
