/** The invocation was cancelled, or another worker has taken over its job. */
export type CancelReason = 'cancelled' | 'lost';

/**
 * The part of AbortSignal that cancellable work needs. Every job has one, but most jobs end before
 * it is used; a full AbortSignal would cost as much as passing the job to its thread.
 */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: CancelReason | undefined;
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
