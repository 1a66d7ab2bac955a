import type { AppError } from '../src/errors.js';
import type { NamespaceQueueLimits } from '../src/ports/queue.js';
import { Batcher } from './batcher.js';
import type { JobGroup, LimitsByNamespace } from './driver.js';
import { queueUnavailable } from './errors.js';

/**
 * The largest number of jobs per round trip. Larger batches gain no throughput and make Redis and
 * the event loop wait for each other.
 */
const MAX_JOBS = 32;
/**
 * The largest number of input bytes per round trip, so that a slow network does not delay a batch.
 */
const MAX_BYTES = 8 << 20;

/** One call of `InvocationQueue.add`. */
export interface Add {
  group: JobGroup;
  /** The total input size of the group, in bytes. */
  bytes: number;
  /** The limits of the group's namespaces, without those that have none. */
  namespaceLimits: readonly LimitsEntry[];
  /** When it is too late to send the group, by `performance.now()`. */
  before: number;
}

/** The limits of one namespace in the queue. */
export type LimitsEntry = readonly [namespace: string, limits: NamespaceQueueLimits];

type Send = (groups: readonly JobGroup[], namespaceLimits: LimitsByNamespace) => Promise<(AppError | null)[]>;

/**
 * Creates a batcher that sends the adds of one event-loop turn in as few round trips as the limits
 * above allow.
 *
 * @param send Adds the groups of one batch; resolves with null or an error per group.
 */
export function batchAdds(send: Send): Batcher<Add, null> {
  return new Batcher<Add, null>({
    send: async (adds) => {
      const now = performance.now();
      const inTime = adds.filter(({ before }) => now < before);
      const groups = inTime.map(({ group }) => group);
      const answers = groups.length === 0 ? [] : await send(groups, limitsIn(inTime));
      if (inTime.length === adds.length) return answers;
      return adds.map((add) => (now < add.before ? (answers.shift() ?? null) : queueUnavailable()));
    },
    fits: fitsRoundTrip,
    defer: setImmediate,
  });
}

function fitsRoundTrip(adds: readonly Add[], { group, bytes }: Add): boolean {
  const jobs = adds.reduce((sum, add) => sum + add.group.length, group.length);
  return jobs <= MAX_JOBS && adds.reduce((sum, add) => sum + add.bytes, bytes) <= MAX_BYTES;
}

function limitsIn(adds: readonly Add[]): LimitsByNamespace {
  const namespaceLimits = new Map<string, NamespaceQueueLimits>();
  for (const add of adds)
    for (const [namespace, limits] of add.namespaceLimits) namespaceLimits.set(namespace, limits);
  return namespaceLimits;
}
