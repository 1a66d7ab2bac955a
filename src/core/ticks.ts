import type { Bus } from '../ports/bus.js';

export interface TickOptions {
  /** Returns whether a message of the channel is relevant. */
  isNews?(message: string): boolean;
  /** Minimum interval between ticks; messages within it are combined. */
  leastMs: number;
  /** Maximum interval between ticks, in case a message was lost. */
  mostMs: number;
  signal: AbortSignal;
}

/**
 * Yields when to poll: immediately, and then after each relevant message on the channel, until the
 * signal is aborted. A message that arrives while the consumer processes a tick causes another
 * tick.
 */
export async function* ticks(bus: Bus, channel: string, options: TickOptions): AsyncGenerator<void> {
  const { isNews = () => true, leastMs, mostMs, signal } = options;
  let hasNews = false;
  let wake: () => void = () => undefined;
  const unsubscribe = await bus.subscribe(channel, (message) => {
    if (!isNews(message)) return;
    hasNews = true;
    wake();
  });
  const pause = (ms: number, endsWithNews: boolean) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      wake = endsWithNews ? end : () => undefined;
      if (signal.aborted || (endsWithNews && hasNews)) end();
    });
  try {
    while (!signal.aborted) {
      hasNews = false;
      const at = performance.now();
      yield;
      const rest = leastMs - (performance.now() - at);
      if (rest > 0) await pause(rest, false);
      await pause(Math.max(0, mostMs - (performance.now() - at)), true);
    }
  } finally {
    await unsubscribe();
  }
}
