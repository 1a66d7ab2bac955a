import { useCallback, useEffect, useState } from 'preact/hooks';
import { follow } from './api/events.js';
import type { Resource } from './use-resource.js';
import { whileVisible } from './while-visible.js';

export interface Live<T> extends Resource<T> {
  isConnected: boolean;
}

interface State<T> {
  path: string | null;
  isConnected: boolean;
  data?: T;
  error?: unknown;
}

/**
 * Loads a path of the API and keeps it up to date with server-sent events while the page is
 * visible. A hidden page has no connection, because browsers limit an origin to six for all its
 * tabs. With null, nothing is loaded.
 */
export function useLive<T>(path: string | null): Live<T> {
  const [state, setState] = useState<State<T>>({ path: null, isConnected: false });
  const [restarts, setRestarts] = useState(0);

  // Biome would report `restarts` as unnecessary: it only restarts the effect.
  useEffect(() => {
    if (path === null) return undefined;
    const change = (next: Omit<State<T>, 'path'>) =>
      setState((old) => ({
        path,
        ...(old.path === path && 'data' in old ? { data: old.data } : {}),
        ...next,
      }));
    return whileVisible((signal) => {
      void follow(path, {
        signal,
        onEvent: (text) => change({ isConnected: true, data: JSON.parse(text) as T }),
        onState: (isConnected, error) => {
          if (!isConnected) change(error === undefined ? { isConnected } : { isConnected, error });
        },
      });
    });
  }, [path, restarts]);

  const reload = useCallback(() => setRestarts((old) => old + 1), []);
  const isCurrent = state.path === path && path !== null;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: !isCurrent || (state.data === undefined && state.error === undefined),
    isConnected: isCurrent && state.isConnected,
    reload,
  };
}
