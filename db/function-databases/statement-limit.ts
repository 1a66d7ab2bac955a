import { type BudgetLimits, createBufferBudget } from '../../src/concurrency/buffer-budget.js';
import { CountByKey } from '../../src/concurrency/count-by-key.js';
import type { Namespace } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import type { BoundStatement } from './executor.js';

export interface StatementLimits {
  /** The number of calls of one namespace that run or wait at once. */
  calls: number;
  /** The bytes of their statements and arguments. */
  bytes: BudgetLimits;
}

const LIMITS: StatementLimits = { calls: 1_000, bytes: { all: 256 * MB, each: 64 * MB } };

/** V8 stores a text with two bytes for each character if one of them needs two. */
const BYTES_PER_CHARACTER = 2;
/** What a statement, a parameter or an argument takes besides its text or bytes. */
const OVERHEAD_BYTES = 100;

/**
 * Limits the calls that run or wait for a driver, and the memory that they hold meanwhile. Further
 * ones are refused: a namespace whose statements do not end could otherwise make the process hold
 * any number of them.
 */
export class StatementLimit {
  readonly #limits: StatementLimits;
  readonly #calls = new CountByKey();
  readonly #bytes;

  constructor(limits: StatementLimits = LIMITS) {
    this.#limits = limits;
    this.#bytes = createBufferBudget(limits.bytes);
  }

  /** Runs a call. Throws `rate_limited`, before anything is executed, if it exceeds a limit. */
  async run<T>(
    namespace: Namespace,
    operations: readonly BoundStatement[],
    call: () => Promise<T>,
  ): Promise<T> {
    const { calls, bytes } = this.#limits;
    if (this.#calls.get(namespace) >= calls)
      throw limited(`${calls} calls of this namespace to its database run or wait, which is the limit`);
    const reservation = this.#bytes.reserve(namespace);
    if (!reservation.take(bytesOf(operations)))
      throw limited(
        `Statements of this namespace that run or wait hold ${bytes.each / MB} MB, or those of all ${bytes.all / MB} MB, which is the limit`,
      );
    this.#calls.increment(namespace);
    try {
      return await call();
    } finally {
      this.#calls.decrement(namespace);
      reservation.release();
    }
  }
}

function limited(reason: string): AppError {
  const message = `${reason}; nothing was executed, try again when some have ended.`;
  return new AppError('rate_limited', message, { retryAfter: 1 });
}

function bytesOf(operations: readonly BoundStatement[]): number {
  let bytes = 0;
  for (const { sql, parameters, args } of operations) {
    bytes += sql.length * BYTES_PER_CHARACTER + OVERHEAD_BYTES * (1 + parameters.length + args.length);
    for (const value of args) {
      if (typeof value === 'string') bytes += value.length * BYTES_PER_CHARACTER;
      else if (value instanceof Uint8Array) bytes += value.byteLength;
    }
  }
  return bytes;
}
