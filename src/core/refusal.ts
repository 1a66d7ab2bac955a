import { FINAL_EXIT_CODES } from '../contract/limits.js';

/**
 * A function says by its exit code that another attempt would end the same: bad input stays bad.
 */
export function isRefusal(exitCode: number | null): boolean {
  return exitCode !== null && exitCode >= FINAL_EXIT_CODES.min && exitCode <= FINAL_EXIT_CODES.max;
}
