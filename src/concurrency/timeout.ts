/** The longest delay that a timer supports, in milliseconds; a longer one would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Settles as `promise` does, or rejects with the error of `createError` if `promise` has not
 * settled within `ms` milliseconds. The operation itself is not cancelled.
 */
export function withTimeout<T>(ms: number, promise: Promise<T>, createError: () => Error): Promise<T> {
  return race(ms, promise, (_, reject) => reject(createError()));
}

/**
 * Waits until `promise` settles, for at most `ms` milliseconds. Rejects if `promise` rejects in
 * time.
 */
export async function waitAtMost(ms: number, promise: Promise<unknown>): Promise<void> {
  await race(ms, promise, (resolve) => resolve(undefined));
}

async function race<T>(
  ms: number,
  promise: Promise<T>,
  onTimeout: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<T>((resolve, reject) => {
    timer = setTimeout(onTimeout, ms, resolve, reject);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
