import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MB } from '../../../src/contract/limits.js';

/**
 * V8 frees the memory of ended guests at its own pace. For a large memory that is too late: with
 * the next guest's memory in addition, the process would exceed the limits of its running guests.
 * Memories from this size are therefore collected at once, after the reply; on a thread's small
 * heap that takes 2 ms.
 */
const LARGE_BYTES = 8 * MB;

let collect: (() => void) | null = null;

/** Returns whether a memory of this size, in bytes, is collected at once. */
export function isLarge(bytes: number): boolean {
  return bytes >= LARGE_BYTES;
}

/** Collects garbage if a released guest memory of this size is large. */
export function collectAfter(bytes: number): void {
  if (!isLarge(bytes)) return;
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
