/** Returns a function that runs an operation; calls while it is pending share its result. */
export function sharedWhilePending<T>(run: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | null = null;
  return () => {
    pending ??= run().finally(() => {
      pending = null;
    });
    return pending;
  };
}
