import { performance } from 'node:perf_hooks';

const TIMES = 5;

/** Returns the median duration of several runs, in milliseconds. */
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

/**
 * Returns the shortest duration of several runs, in milliseconds: others are delayed by other
 * processes or by the JIT compiler.
 */
export function fastestMs(work: () => unknown, runs = 5): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const since = performance.now();
    work();
    fastest = Math.min(fastest, performance.now() - since);
  }
  return fastest;
}

/** Maximum wait of a namespace, regardless of the load of other namespaces. */
export function boundMs(unloadedMs: number): number {
  return Math.max(3 * unloadedMs, 1000);
}
