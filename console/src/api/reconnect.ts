import { ApiError, isRefused } from './error.js';

const RECONNECT_MS = 3000;

interface ReconnectOptions {
  signal: AbortSignal;
  /** Called when a connection has ended; with the error if there was one. */
  onEnd(error: unknown): void;
}

/**
 * Opens one connection after the other until the signal is aborted or the engine refuses for good.
 * `connect` resolves when its connection has ended.
 */
export async function reconnect(
  connect: () => Promise<void>,
  { signal, onEnd }: ReconnectOptions,
): Promise<void> {
  while (!signal.aborted) {
    let failure: unknown;
    try {
      await connect();
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    onEnd(failure);
    if (isFinal(failure)) return;
    await pause(delayOf(failure), signal);
  }
}

/** Returns whether the engine has refused a connection and would refuse the next one too. */
export function isFinal(error: unknown): boolean {
  return isRefused(error, 400, 403, 404);
}

function delayOf(failure: unknown): number {
  const asked = failure instanceof ApiError ? failure.retryAfterSeconds * 1000 : 0;
  return Math.max(RECONNECT_MS, asked);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
