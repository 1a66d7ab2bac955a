import type { Delivery } from '../src/ports/queue.js';
import type { InvocationJob } from './driver.js';
import { decodeInvocation } from './jobs.js';

/** Returns a job as its handler gets it. Throws when the job's data cannot be decoded. */
export function toDelivery(
  job: InvocationJob,
  own: Pick<Delivery, 'crashesWhileRunning' | 'signal' | 'begun' | 'releaseSlot'>,
): Delivery {
  const failures = job.attemptsMade;
  const crashes = job.stalledCounter;
  const attempts = Math.max(1, job.opts.attempts ?? 1);
  return {
    invocation: decodeInvocation(job.id ?? '', job.name, job.data),
    attempt: failures + crashes + 1,
    failures,
    crashes,
    crashesWhileRunning: own.crashesWhileRunning,
    attempts,
    isLastAttempt: failures + 1 >= attempts,
    redelivered: job.attemptsStarted > failures + 1,
    signal: own.signal,
    begun: own.begun,
    releaseSlot: own.releaseSlot,
  };
}
