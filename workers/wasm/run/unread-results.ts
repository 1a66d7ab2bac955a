import type { HostFunctionName } from '../../../src/contract/host-functions.js';
import { MAX_HOST_RESULT_BYTES } from '../../../src/contract/limits.js';
import type { HostValue } from './session.js';

interface UnreadResult {
  name: HostFunctionName;
  args: readonly HostValue[];
  data: Uint8Array;
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
 * see what was written in between.
 */
export class UnreadResults {
  #kept: UnreadResult[] = [];

  clear(): void {
    if (this.#kept.length > 0) this.#kept = [];
  }

  /** Drops what a new call makes stale. */
  startCall(): void {
    if (this.#kept.length > 0) this.#kept = this.#kept.filter(({ name }) => WITH_EFFECT.has(name));
  }

  get(name: HostFunctionName, args: readonly HostValue[]): Uint8Array | null {
    return this.#kept.find((result) => isSame(result, name, args))?.data ?? null;
  }

  delete(name: HostFunctionName, args: readonly HostValue[]): void {
    const at = this.#kept.findIndex((result) => isSame(result, name, args));
    if (at >= 0) this.#kept.splice(at, 1);
  }

  /** Keeps a result; the oldest of too many are dropped. */
  add(name: HostFunctionName, args: readonly HostValue[], data: Uint8Array): void {
    let bytes = 0;
    const before = this.#kept.findLastIndex((result, at) => {
      bytes += sizeOf(result);
      return bytes > MAX_BYTES || this.#kept.length - at >= MAX_RESULTS;
    });
    this.#kept.splice(0, before + 1);
    this.#kept.push({ name, args, data });
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
