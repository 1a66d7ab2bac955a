import type { Bus } from '../ports/bus.js';

export interface TickOptions {
  /** Whether a message of the channel is news. */
  isNews?(message: string): boolean;
  /** No two ticks are closer than this; what comes meanwhile is one tick. */
  leastMs: number;
  /** A tick comes after this long even if nobody told of news. */
  mostMs: number;
  signal: AbortSignal;
}

/**
 * When to look again: at once, then whenever the channel tells of news, until the signal. What is
 * told between two ticks is never missed, also when it comes while the last is still being looked
 * at.
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
