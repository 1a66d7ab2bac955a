import type { SerialFn } from 'ava';
import { admissionConformance } from './queue-admission.js';
import { cancellingConformance } from './queue-cancelling.js';
import { contentsConformance } from './queue-contents.js';
import type { QueueContext } from './queue-context.js';
import { deliveryConformance } from './queue-delivery.js';
import { orderConformance } from './queue-order.js';
import { retriesConformance } from './queue-retries.js';

/**
 * Tests for every driver of `InvocationQueue`. The context's queues are new and empty, with a
 * capacity of 50 jobs and 1 MB, and the `limitsOf` of queue-admission.ts.
 */
export function queueConformance(test: SerialFn<QueueContext>): void {
  deliveryConformance(test);
  retriesConformance(test);
  admissionConformance(test);
  cancellingConformance(test);
  orderConformance(test);
  contentsConformance(test);
}
