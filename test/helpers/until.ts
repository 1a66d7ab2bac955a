import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MS = 10;
const LONGEST_MS = 500;
/** Asking takes a fifth of the time, so that what is waited for has the rest. */
const PAUSE_PER_ASKING = 4;

/**
 * Asks until there is an answer, and returns it; throws, naming what was awaited, when there is
 * none within `withinMs`, so that a test ends instead of hanging.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const begun = performance.now();
    const answer = await ask();
    if (isAnswer(answer)) return answer;
    const now = performance.now();
    if (now > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (now - begun) * PAUSE_PER_ASKING)));
  }
}

function isAnswer<T>(answer: T): answer is Exclude<T, null | undefined | false> {
  return answer !== null && answer !== undefined && answer !== false;
}
