import type { Queues } from '../../queues/bull-queues.js';

export interface QueueContext {
  queues: Queues;
  /**
   * The view of another process on the same queue, or the same view for a driver that supports only
   * one process.
   */
  other: Queues;
}
