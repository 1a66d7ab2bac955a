import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until the condition holds; throws when it does not within `withinMs`, so that a test ends
 * instead of hanging.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}
