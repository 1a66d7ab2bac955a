import type { QueueCounts } from '../../../src/ports/queue.js';
import { BAND_SIZE } from '../../fairness.js';
import type { RedisConnection } from './connect.js';

/** The score of a BullMQ sorted set holds the priority, or the due time, above a counter. */
const PRIORITY_UNIT = 0x100000000;
const DELAY_UNIT = 0x1000;
/** Within a namespace the oldest job is the next, so the oldest of all is found among the next few. */
const SAMPLE = 64;

/** Numbers of the whole queue, in one round trip of constant cost. */
export async function countJobs(
  connection: RedisConnection,
  queue: string,
  ledger: string,
): Promise<QueueCounts> {
  const now = Date.now();
  const due = now * DELAY_UNIT;
  const secondBand = BAND_SIZE * PRIORITY_UNIT;
  const results = await connection
    .multi()
    .llen(`${queue}wait`)
    .zcard(`${queue}prioritized`)
    .zcount(`${queue}delayed`, '-inf', String(due))
    .zcount(`${queue}delayed`, `(${due}`, '+inf')
    .llen(`${queue}active`)
    .zremrangebyscore(`${ledger}scheduled`, '-inf', String(now))
    .zcard(`${ledger}scheduled`)
    .get(`${ledger}bytes`)
    .lrange(`${queue}wait`, -SAMPLE, -1)
    .zrange(`${queue}prioritized`, '0', String(SAMPLE - 1))
    .zrangebyscore(`${queue}prioritized`, String(secondBand), '+inf', 'LIMIT', 0, SAMPLE)
    .exec();
  const values = (results ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
  const [wait, prioritized, ready, delayed, active, , scheduled, bytes] = values.map(Number) as number[];
  const ids = values.slice(-3).flat() as string[];
  const firstTries = Math.min(scheduled ?? 0, delayed ?? 0);
  return {
    waiting: (wait ?? 0) + (prioritized ?? 0) + (ready ?? 0) + firstTries,
    running: active ?? 0,
    retrying: (delayed ?? 0) - firstTries,
    bytes: Number.isNaN(bytes) ? 0 : (bytes ?? 0),
    oldestMs: Math.max(0, ...ids.map((id) => now - acceptedAtOf(id)).filter(Number.isFinite)),
  };
}

/** Request ids are UUIDv7, which begin with the time they were made at. */
function acceptedAtOf(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : Number.NaN;
}
