import type { NewJob } from '../../jobs.js';
import type { NewJob as StoredJob } from '../sqlite/protocol.js';

/**
 * BullMQ's `Job` and its backend would make the same of it, in three steps. See tables.ts for `n`
 * and `s`.
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
