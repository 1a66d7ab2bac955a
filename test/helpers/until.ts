import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MS = 10;
const LONGEST_MS = 500;
/** Pause as a multiple of the time of a poll, so that polling takes at most a fifth of the time. */
const PAUSE_PER_ASKING = 4;

/**
 * Polls until there is a result, and resolves with it. Throws an error that names what was awaited
 * after `withinMs` milliseconds.
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
