import type { AttemptRow } from '../../src/ports/store/attempts.js';

/** Greater than any number of attempts, so that an end without an attempt is the last row. */
const END = 1000;

type Numbered = Pick<AttemptRow, 'attempt' | 'isAttempt'>;

/**
 * Returns the value of the column `attempt`, by which the rows of an invocation are ordered: the
 * number of an attempt, or for an end without one 0 before the first and END + n after n attempts.
 */
export function toStoredNumber({ attempt, isAttempt }: Numbered): number {
  return isAttempt || attempt === 0 ? attempt : END + attempt;
}

export function fromStoredNumber(stored: number): Numbered {
  return { attempt: stored > END ? stored - END : stored, isAttempt: stored > 0 && stored < END };
}

/** Selects attempts. */
export const IS_ATTEMPT = `attempt > 0 and attempt < ${END}`;
