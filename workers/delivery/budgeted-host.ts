import { type BufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { EngineFunctionName } from '../../src/contract/host-functions.js';
import type { Namespace } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import type { HostCaller } from '../../src/ports/engine.js';

/** Arguments up to this size are not counted: a guest makes one call at a time. */
const SMALL_BYTES = 64 << 10;
/** V8 stores a text with two bytes for each character if one of them needs two. */
const BYTES_PER_CHARACTER = 2;

/**
 * Wraps host functions to limit the bytes of arguments that the calls of a namespace, and of all,
 * hold in this process until they return. Beyond the limit a call fails: waiting would hold its
 * arguments as well, and a full heap ends the process.
 */
export function budgetedHost(call: HostCaller, buffers: BufferBudget, namespace: Namespace): HostCaller {
  return async (name, args, signal) => {
    const bytes = argumentBytes(name, args);
    if (bytes <= SMALL_BYTES) return call(name, args, signal);
    const reservation = buffers.reserve(namespace);
    if (!reservation.take(bytes)) throw tooManyBytes();
    try {
      return await call(name, args, signal);
    } finally {
      reservation.release();
    }
  };
}

/** Returns the error of a call whose data the budget does not allow to keep. */
export function tooManyBytes(): AppError {
  return new AppError(
    'rate_limited',
    `the host calls of this namespace hold ${HOST_CALLS.each / MB} MB in a worker, or those of all ${HOST_CALLS.all / MB} MB, which is the limit; make fewer large calls at once.`,
  );
}

function argumentBytes(name: EngineFunctionName, args: readonly unknown[]): number {
  let bytes = 0;
  for (const arg of args) {
    if (typeof arg === 'string') bytes += arg.length * BYTES_PER_CHARACTER;
    else if (arg instanceof Uint8Array) bytes += arg.byteLength;
  }
  // The arguments of a statement are held as JSON and parsed.
  return name === 'db_query' || name === 'db_execute' ? bytes * 2 : bytes;
}
