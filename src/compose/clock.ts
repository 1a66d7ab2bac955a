import { AppError, messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import { connectNode } from '../redis/server.js';

/**
 * Delays, schedules and ages are times that one process writes and another reads: no clock may be
 * off by more.
 */
const MOST_MS = 5000;
const CHECK_EVERY_MS = 10_000;
/** An answer that took longer says nothing: this process or Redis stood still meanwhile. */
const PROMPT_MS = 1000;
/** A process is only ended when so many looks in a row agree. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 1000;

/**
 * Holds this process's clock against that of Redis, which all processes share. One that is off does
 * not start, and one that goes off ends as if by SIGTERM, with its jobs handed back: it would run
 * delayed jobs and schedules at the wrong time, and let invocations expire that are not too old.
 */
export async function watchClock(url: string, logger: Logger): Promise<Closable> {
  const off = await whatIsOff(url);
  if (off !== null) throw new AppError('bad_config', off);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const lookIn = (ms: number, seen: number) => {
    if (closed) return;
    timer = setTimeout(() => void look(seen), ms);
    timer.unref();
  };
  const look = async (seen: number) => {
    try {
      const gone = await whatIsOff(url);
      if (gone === null || closed) return lookIn(CHECK_EVERY_MS, 0);
      if (seen + 1 < LOOKS) return lookIn(LOOK_AGAIN_MS, seen + 1);
      logger.error(gone);
      process.kill(process.pid, 'SIGTERM');
    } catch (error) {
      logger.warn({ err: messageOf(error) }, 'the clock could not be compared with that of Redis');
      lookIn(CHECK_EVERY_MS, 0);
    }
  };
  lookIn(CHECK_EVERY_MS, 0);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** A sentence about a clock that is off, or null. */
async function whatIsOff(url: string): Promise<string | null> {
  const redis = await connectNode(url, 'REDIS_URL');
  try {
    const asked = Date.now();
    const [seconds, micros] = await redis.time();
    if (Date.now() - asked > PROMPT_MS) return null;
    // The answer is of some moment between question and answer.
    const ahead = (asked + Date.now()) / 2 - (Number(seconds) * 1000 + Number(micros) / 1000);
    if (Math.abs(ahead) <= MOST_MS) return null;
    const by = `${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'}`;
    return `The clock of this machine is ${by} that of Redis, and at most ${MOST_MS / 1000} s are allowed: delays, schedules and ages would be wrong. Set both by NTP.`;
  } finally {
    redis.disconnect();
  }
}
