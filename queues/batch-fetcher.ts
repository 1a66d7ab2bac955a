import type { NextJob } from './job-store.js';

/** The part of a queue's `JobRuns` that fetches jobs together with adds. */
export interface BatchFetcher {
  readonly lockMs: number;
  /** Reserves capacity for up to `most` jobs. Returns one lock token per reserved place. */
  reserve(most: number): readonly string[];
  /**
   * Delivers the fetched jobs, in the order of the tokens, and releases the capacity that is left.
   */
  deliver(tokens: readonly string[], answers: readonly NextJob[]): void;
}
