import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isRefused } from './api/error.js';

/** The minimum interval between reloads, in milliseconds. */
const MIN_RELOAD_MS = 2000;

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  isLoading: boolean;
  reload(): void;
}

/**
 * Loads a resource when `key` changes, and periodically while the page is visible. A failed reload
 * keeps the previous data and sets `error`. Data of another key is never returned. What the
 * credential may not read is not reloaded.
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  everyMs?: number,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T | undefined; error?: unknown }>({
    key: null,
  });
  const [restarts, setRestarts] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  // Biome would report `restarts` as unnecessary: it only restarts the effect.
  useEffect(() => {
    if (key === null) return undefined;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        const data = await latest.current(control.signal);
        if (control.signal.aborted) return;
        setState({ key, data });
      } catch (error) {
        if (control.signal.aborted) return;
        setState((old) => ({ key, data: old.key === key ? old.data : undefined, error }));
        if (isRefused(error, 403)) return;
      }
      schedule();
    };
    const schedule = () => {
      if (everyMs === undefined) return;
      timer = setTimeout(() => (document.hidden ? schedule() : void run()), Math.max(MIN_RELOAD_MS, everyMs));
    };
    void run();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, restarts]);

  const reload = useCallback(() => setRestarts((old) => old + 1), []);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: !isCurrent,
    reload,
  };
}
