import type { NewJob } from '../../job-data.js';
import type { JobToAdd as StoredJob } from './backend/operation-types.js';

/**
 * Converts a new job to its row, in one step: BullMQ's `Job` and its backend produce the same row
 * in three. See tables.ts for the options `n` and `s`.
 */
export function toStoredJob({ id, name, data, opts }: NewJob, priority: number): StoredJob {
  return {
    id,
    name,
    data: JSON.stringify(data),
    opts: JSON.stringify({ ...opts, n: data.n, s: data.s }),
    priority,
    delay: opts.delay ?? 0,
    timestamp: data.a,
  };
}
