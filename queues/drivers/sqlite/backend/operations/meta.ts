import type { QueueState } from '../store.js';
import { publish } from './events.js';

/** Pauses or resumes the queue. */
export function pause(queue: QueueState, paused: boolean): void {
  if (paused) queue.setMeta('paused', '1');
  else {
    queue.removeMeta('paused');
    queue.wakeIfWaiting();
  }
  publish(queue, paused ? 'paused' : 'resumed', {});
}

export function setMeta(queue: QueueState, fields: readonly [field: string, value: string][]): number {
  for (const [field, value] of fields) queue.setMeta(field, value);
  // Limits may have been raised.
  queue.wakeIfWaiting();
  return fields.length;
}

export function getMeta(queue: QueueState): [field: string, value: string][] {
  return [...queue.meta];
}

export function removeMeta(queue: QueueState, fields: readonly string[]): number {
  const removed = fields.reduce((sum, field) => sum + queue.removeMeta(field), 0);
  queue.wakeIfWaiting();
  return removed;
}
