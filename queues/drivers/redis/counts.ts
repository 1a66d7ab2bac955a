import type { QueueCounts } from '../../../src/ports/queue.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { OLDEST_JOB_SAMPLE } from '../../driver.js';
import { QUEUE_KINDS } from '../../queue-names.js';
import type { UsageKeys } from './key-prefix.js';

/**
 * The score of a delayed job in BullMQ's sorted set is its due time in milliseconds times this,
 * plus a counter.
 */
const DELAY_UNIT = 0x1000;
/** The number of commands per queue. */
const PER_QUEUE = 7;

/** Counts the jobs of both queues in one round trip of constant cost. */
export async function countJobs(
  connection: RedisConnection,
  { prefix, usage }: UsageKeys,
): Promise<QueueCounts> {
  const now = Date.now();
  const due = now * DELAY_UNIT;
  const transaction = connection.multi();
  for (const kind of QUEUE_KINDS) {
    const queue = `${prefix}${kind}:`;
    transaction
      .llen(`${queue}wait`)
      .zcard(`${queue}prioritized`)
      .zcount(`${queue}delayed`, '-inf', String(due))
      .zcount(`${queue}delayed`, `(${due}`, '+inf')
      .llen(`${queue}active`)
      .lrange(`${queue}wait`, -OLDEST_JOB_SAMPLE, -1)
      .zrange(`${queue}prioritized`, '0', String(OLDEST_JOB_SAMPLE - 1));
  }
  const results = await transaction
    .zremrangebyscore(`${usage}scheduled`, '-inf', String(now))
    .zcard(`${usage}scheduled`)
    .hget(`${usage}use`, '*')
    .exec();
  const values = (results ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
  const kinds = QUEUE_KINDS.map((_kind, index) => values.slice(index * PER_QUEUE, (index + 1) * PER_QUEUE));
  const sum = (at: number) => kinds.reduce((total, kind) => total + Number(kind[at] ?? 0), 0);
  const [, scheduled, bytes] = values.slice(QUEUE_KINDS.length * PER_QUEUE).map(Number);
  const delayed = sum(3);
  const firstTries = Math.min(scheduled ?? 0, delayed);
  const ids = kinds.flatMap((kind) => kind.slice(5).flat() as string[]);
  return {
    waiting: sum(0) + sum(1) + sum(2) + firstTries,
    running: sum(4),
    retrying: delayed - firstTries,
    bytes: bytes ?? 0,
    oldestMs: Math.max(0, ...ids.map((id) => now - createdAtOf(id)).filter(Number.isFinite)),
  };
}

/**
 * Returns when a request id was created, in Unix milliseconds. Request ids are UUIDv7, whose first
 * 48 bits are that time (RFC 9562, section 5.7). Returns NaN for other ids.
 */
export function createdAtOf(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : Number.NaN;
}
