import type { HostFunctionName } from '../../../src/contract/host-functions.js';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import type { HostValue } from './session.js';

interface UnreadResult {
  name: HostFunctionName;
  args: readonly HostValue[];
  data: Uint8Array;
  /** Whether another call has been made since. */
  isPast: boolean;
}

/** Functions whose repetition would do something again, or would lose the first result. */
const WITH_EFFECT: ReadonlySet<HostFunctionName> = new Set([
  'enqueue',
  'http_fetch',
  'http_next',
  'storage_put',
]);
/** Limits of what is kept at once, beside the last result. */
const MAX_RESULTS = 64;
const MAX_BYTES = MAX_HOST_RESULT_BYTES;

/**
 * Results that were larger than the buffer of an `_into` call, kept for the same call with a larger
 * buffer. A result that was only read is dropped by the next call, because a later repetition must
 * see what was written in between. After other calls, the same call with a buffer that is again too
 * small is a new one: a guest that does not need its results may call `enqueue` many times.
 */
export class UnreadResults {
  #kept: UnreadResult[] = [];

  clear(): void {
    if (this.#kept.length > 0) this.#kept = [];
  }

  /** Drops what a new call makes stale. */
  startCall(): void {
    if (this.#kept.length === 0) return;
    this.#kept = this.#kept.filter(({ name }) => WITH_EFFECT.has(name));
    for (const result of this.#kept) result.isPast = true;
  }

  /** Returns the result that a call with a buffer of `capacity` bytes repeats, or null. */
  get(name: HostFunctionName, args: readonly HostValue[], capacity: number): Uint8Array | null {
    const found = this.#kept.find((result) => isSame(result, name, args));
    if (found === undefined || (found.isPast && found.data.length > capacity)) return null;
    return found.data;
  }

  delete(name: HostFunctionName, args: readonly HostValue[]): void {
    const at = this.#kept.findIndex((result) => isSame(result, name, args));
    if (at >= 0) this.#kept.splice(at, 1);
  }

  /**
   * Keeps a result in place of that of an earlier same call; the oldest of too many are dropped.
   */
  add(name: HostFunctionName, args: readonly HostValue[], data: Uint8Array): void {
    this.delete(name, args);
    let bytes = 0;
    const before = this.#kept.findLastIndex((result, at) => {
      bytes += sizeOf(result);
      return bytes > MAX_BYTES || this.#kept.length - at >= MAX_RESULTS;
    });
    this.#kept.splice(0, before + 1);
    this.#kept.push({ name, args, data, isPast: false });
  }
}

function sizeOf({ args, data }: UnreadResult): number {
  return args.reduce((total, arg) => total + (typeof arg === 'bigint' ? 0 : arg.length), data.length);
}

function isSame(result: UnreadResult, name: HostFunctionName, args: readonly HostValue[]): boolean {
  return result.name === name && args.every((arg, index) => sameValue(arg, result.args[index]));
}

function sameValue(a: HostValue, b: HostValue | undefined): boolean {
  return a instanceof Uint8Array ? b instanceof Uint8Array && Buffer.compare(a, b) === 0 : a === b;
}
