import type { Redis } from 'ioredis';
import { AppError, messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import { closeRedis } from '../redis/connection.js';
import { connectNode } from '../redis/server.js';

/**
 * Maximum clock skew. Delays, schedules and ages are times that one process writes and another one
 * reads.
 */
const MAX_SKEW_MS = 5000;
const CHECK_EVERY_MS = 10_000;
/**
 * Readings with a longer round trip are discarded, since this process or Redis was suspended
 * meanwhile.
 */
const MAX_ROUND_TRIP_MS = 1000;
/** Number of consecutive failed checks after which the process is stopped. */
const MAX_FAILED_CHECKS = 3;
const RECHECK_MS = 1000;

/**
 * Compares this process's clock with that of Redis, which all processes share. Throws `bad_config`
 * at startup if the skew is too large. If it becomes too large later, shuts the process down as on
 * SIGTERM, which returns its jobs to the queue: it would otherwise run delayed jobs and schedules
 * at the wrong time and expire invocations too early.
 */
export async function watchClock(url: string, logger: Logger): Promise<Closable> {
  const redis = await connectNode(url, 'REDIS_URL');
  try {
    const problem = await measureSkew(redis);
    if (problem !== null) throw new AppError('bad_config', problem);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const scheduleCheck = (ms: number, failures: number) => {
    if (closed) return;
    timer = setTimeout(() => void check(failures), ms);
    timer.unref();
  };
  const check = async (seen: number) => {
    try {
      const problem = await measureSkew(redis);
      if (problem === null || closed) return scheduleCheck(CHECK_EVERY_MS, 0);
      if (seen + 1 < MAX_FAILED_CHECKS) return scheduleCheck(RECHECK_MS, seen + 1);
      logger.error(problem);
      process.kill(process.pid, 'SIGTERM');
    } catch (error) {
      if (closed) return;
      logger.warn({ err: messageOf(error) }, 'the clock could not be compared with the clock of Redis');
      scheduleCheck(CHECK_EVERY_MS, 0);
    }
  };
  scheduleCheck(CHECK_EVERY_MS, 0);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await closeRedis(redis);
    },
  };
}

/** Resolves with a message if the clock skew is too large, and otherwise with null. */
async function measureSkew(redis: Redis): Promise<string | null> {
  const sentAt = Date.now();
  const [seconds, micros] = await redis.time();
  if (Date.now() - sentAt > MAX_ROUND_TRIP_MS) return null;
  // Redis read its clock at some moment between request and response; assume the middle.
  const ahead = (sentAt + Date.now()) / 2 - (Number(seconds) * 1000 + Number(micros) / 1000);
  if (Math.abs(ahead) <= MAX_SKEW_MS) return null;
  const by = `${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return `The clock of this machine is ${by} that of Redis, and at most ${MAX_SKEW_MS / 1000} s are allowed: delays, schedules and ages would be wrong. Set both by NTP.`;
}
