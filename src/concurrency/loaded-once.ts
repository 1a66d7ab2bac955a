/**
 * Returns a function that loads a value when it is first called. A failed load, for example without
 * a free file descriptor, is repeated by the next call.
 */
export function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = null;
      throw error;
    });
    return loaded;
  };
}
