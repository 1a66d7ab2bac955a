/**
 * The two BullMQ queues of invocations. A job's name is its function, its id the request id. Sync
 * calls have a queue of their own: in a shared queue, long async jobs would hold all slots of a
 * worker and delay the callers.
 */
export const QUEUE_KINDS = ['sync', 'async'] as const;
export type QueueKind = (typeof QUEUE_KINDS)[number];

/** Creates one value per queue of invocations. */
export function perQueue<T>(make: (kind: QueueKind) => T): Record<QueueKind, T> {
  return Object.fromEntries(QUEUE_KINDS.map((kind) => [kind, make(kind)])) as Record<QueueKind, T>;
}

/**
 * The queue of due schedule ticks. It is separate so that a long backlog does not delay schedules.
 */
export const TICKS = 'ticks';
/** The queue of background tasks. */
export const TASKS = 'tasks';
