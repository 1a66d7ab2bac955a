import { ApiError, silent, unreachable } from './error.js';

/** Enough for every reply that the engine can compute without running a function. */
const SILENCE_MS = { reading: 15_000, changing: 60_000 };
/** How long the engine waits for an invocation, unless SYNC_WAIT_SECONDS says otherwise. */
export const INVOCATION_WAIT_SECONDS = 900;
/** For a request that is answered when a function has run. */
export const INVOCATION_SILENCE_MS = (INVOCATION_WAIT_SECONDS + 60) * 1000;

export interface Timing {
  signal?: AbortSignal;
  /** Whether the request may change something. By default, one with any method but GET or HEAD. */
  isChange?: boolean;
  /** How long the engine may send nothing, before or in the middle of the reply. */
  silenceMs?: number;
}

/**
 * Like `fetch`, but throws an `ApiError` if the engine cannot be reached or sends nothing for
 * `silenceMs`, also while the body is read. The browser itself reports no error for an engine that
 * is frozen or whose host or network has vanished.
 */
export async function timedFetch(
  path: string,
  init: Omit<RequestInit, 'signal'> & Timing,
): Promise<Response> {
  const { signal, isChange = !/^(GET|HEAD)$/.test(init.method ?? 'GET'), ...rest } = init;
  const { silenceMs = isChange ? SILENCE_MS.changing : SILENCE_MS.reading, ...options } = rest;
  const silence = new AbortController();
  /** Waits for the next part of the reply. */
  const next = async <T>(part: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => silence.abort(silent(silenceMs, isChange)), silenceMs);
    try {
      return await part;
    } catch (error) {
      throw signal?.aborted || error instanceof ApiError ? error : unreachable(isChange);
    } finally {
      clearTimeout(timer);
    }
  };
  const signals = signal === undefined ? [silence.signal] : [signal, silence.signal];
  const response = await next(fetch(path, { ...options, signal: AbortSignal.any(signals) }));
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(parts) {
      const { done, value } = await next(reader.read());
      if (done) parts.close();
      else parts.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, response);
}
