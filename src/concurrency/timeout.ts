/** The longest delay that a timer supports, in milliseconds; a longer one would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Settles as `promise` does, or rejects with the error of `createError` if `promise` has not
 * settled within `ms` milliseconds. The operation itself is not cancelled.
 */
export async function withTimeout<T>(ms: number, promise: Promise<T>, createError: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(createError()), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until `promise` settles, for at most `ms` milliseconds. Rejects if `promise` rejects in
 * time.
 */
export async function waitAtMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
