import type { Bus } from '../ports/bus.js';

export interface PollOptions {
  /** Returns whether a message of the channel is relevant. */
  isRelevant?(message: string): boolean;
  /** Minimum interval between polls; messages within it are combined. */
  minIntervalMs: number;
  /** Maximum interval between polls, in case a message was lost. */
  maxIntervalMs: number;
  signal: AbortSignal;
}

/**
 * Yields when to poll: immediately, and then after each relevant message on the channel, until the
 * signal is aborted. A message that arrives while the consumer polls causes another poll.
 */
export async function* pollOnMessage(bus: Bus, channel: string, options: PollOptions): AsyncGenerator<void> {
  const { isRelevant = () => true, minIntervalMs, maxIntervalMs, signal } = options;
  let hasChanged = false;
  let wake: () => void = () => undefined;
  const unsubscribe = await bus.subscribe(channel, (message) => {
    if (!isRelevant(message)) return;
    hasChanged = true;
    wake();
  });
  const pause = (ms: number, endsOnChange: boolean) =>
    new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      wake = endsOnChange ? end : () => undefined;
      if (signal.aborted || (endsOnChange && hasChanged)) end();
    });
  try {
    while (!signal.aborted) {
      hasChanged = false;
      const at = performance.now();
      yield;
      const rest = minIntervalMs - (performance.now() - at);
      if (rest > 0) await pause(rest, false);
      await pause(Math.max(0, maxIntervalMs - (performance.now() - at)), true);
    }
  } finally {
    await unsubscribe();
  }
}
