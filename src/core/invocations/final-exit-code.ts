import { FINAL_EXIT_CODES } from '../../contract/limits.js';

/**
 * Returns whether the exit code (64–78) says that a retry cannot succeed, for example because the
 * input is invalid.
 */
export function isFinalExitCode(exitCode: number | null): boolean {
  return exitCode !== null && exitCode >= FINAL_EXIT_CODES.min && exitCode <= FINAL_EXIT_CODES.max;
}
