import type { QueueCounts } from '../../../src/ports/queue.js';
import type { PgliteDatabase } from './database.js';
import { IN_LANES } from './schema.js';

interface Row {
  waiting: string;
  running: string;
  retrying: string;
  oldest: string | null;
}

/** A delayed job whose time has come is waiting: it only has not been looked at. */
const COUNTS = `
SELECT count(*) FILTER (WHERE state = 'waiting' OR (state = 'delayed' AND (attempts_made = 0 OR process_at_ms <= $1::bigint))) AS waiting,
       count(*) FILTER (WHERE state = 'active') AS running,
       count(*) FILTER (WHERE state = 'delayed' AND attempts_made > 0 AND process_at_ms > $1::bigint) AS retrying,
       min(greatest(added_at_ms, coalesce(process_at_ms, 0))) FILTER (WHERE state = 'waiting') AS oldest
FROM job WHERE ${IN_LANES}`;

export async function countJobs(database: PgliteDatabase, bytes: number): Promise<QueueCounts> {
  const now = Date.now();
  const { rows } = await database.query<Row>(COUNTS, [now]);
  const [row] = rows;
  return {
    waiting: Number(row?.waiting ?? 0),
    running: Number(row?.running ?? 0),
    retrying: Number(row?.retrying ?? 0),
    bytes,
    oldestMs: row?.oldest == null ? 0 : Math.max(0, now - Number(row.oldest)),
  };
}
