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

/** Counts the jobs of both queues in two round trips of constant cost. */
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
  const keys = kinds.flatMap((kind, index) =>
    (kind.slice(5).flat() as string[]).map((id) => `${prefix}${QUEUE_KINDS[index]}:${id}`),
  );
  return {
    waiting: sum(0) + sum(1) + sum(2) + firstTries,
    running: sum(4),
    retrying: delayed - firstTries,
    bytes: bytes ?? 0,
    oldestMs: await oldestOf(connection, keys, now),
  };
}

/**
 * Resolves with the age of the oldest of these jobs in milliseconds, since it was added. Not by its
 * id, which a client may choose. Jobs that have left the queue meanwhile have none.
 */
async function oldestOf(connection: RedisConnection, keys: readonly string[], now: number): Promise<number> {
  if (keys.length === 0) return 0;
  const pipeline = connection.pipeline();
  for (const key of keys) pipeline.hget(key, 'timestamp');
  const added = ((await pipeline.exec()) ?? []).map(([, value]) => Number(value ?? Number.NaN));
  return Math.max(0, ...added.filter(Number.isFinite).map((at) => now - at));
}
