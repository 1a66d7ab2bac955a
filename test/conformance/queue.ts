import type { SerialFn } from 'ava';
import type { Queues } from '../../queues/open.js';
import { admissionConformance } from './queue-admission.js';
import { cancellingConformance } from './queue-cancelling.js';
import { contentsConformance } from './queue-contents.js';
import { deliveryConformance } from './queue-delivery.js';
import { orderConformance } from './queue-order.js';
import { retriesConformance } from './queue-retries.js';

export interface QueueContext {
  queues: Queues;
  /** Another process's view of the same queue; the same one where there can be only one process. */
  other: Queues;
}

/**
 * What every driver of `InvocationQueue` does. The context's queues are fresh and empty, with room
 * for 50 jobs and 1 MB, and the `shareOf` of queue-admission.ts.
 */
export function queueConformance(test: SerialFn<QueueContext>): void {
  deliveryConformance(test);
  retriesConformance(test);
  admissionConformance(test);
  cancellingConformance(test);
  orderConformance(test);
  contentsConformance(test);
}
