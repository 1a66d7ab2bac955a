/**
 * As much of an AbortSignal as work needs that may be stopped. Every job has one, and most are over
 * before anybody looks at it: a whole AbortSignal would cost as much as handing the job to its
 * thread does.
 */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
