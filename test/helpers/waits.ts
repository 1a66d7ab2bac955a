import { performance } from 'node:perf_hooks';

const TIMES = 5;

/** How long it takes, as the median of some times. */
export async function medianMs(act: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const since = performance.now();
    await act();
    times.push(performance.now() - since);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(TIMES / 2)] ?? 0;
}

/** What a victim may have to wait, whatever another namespace does. */
export function boundMs(unloadedMs: number): number {
  return Math.max(3 * unloadedMs, 1000);
}
