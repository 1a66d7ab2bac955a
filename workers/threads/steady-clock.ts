/**
 * Returns the time on the system's monotonic clock, in milliseconds. Unlike `performance.now()`,
 * which counts from the start of each thread, values of different threads can be compared. Unlike
 * `Date.now()`, it does not jump when the system's clock is set.
 */
export function steadyMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
