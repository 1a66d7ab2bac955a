import type { QueueState } from '../store.js';

const MINUTE_MS = 60_000;

type MetricsRow = [count: number, previousAt: number | null, previousCount: number, data: string];

function read(queue: QueueState, kind: string): MetricsRow | undefined {
  return queue.store.row<MetricsRow>(
    'SELECT count, previous_at, previous_count, data FROM metrics WHERE queue = ? AND kind = ?',
    queue.id,
    kind,
  );
}

interface CollectMetricsOptions {
  kind: 'completed' | 'failed';
  maxDataPoints: number;
  /** When the job ended. */
  at: number;
}

/**
 * Counts one ended job. Points are stored per minute, newest first; the current minute has no point
 * yet.
 */
export function collectMetrics(queue: QueueState, { kind, maxDataPoints, at }: CollectMetricsOptions): void {
  const [count, previousAt, previousCount, data] = read(queue, kind) ?? [0, null, 0, '[]'];
  const minutes =
    previousAt === null
      ? 0
      : Math.min(Math.floor(at / MINUTE_MS) - Math.floor(previousAt / MINUTE_MS), maxDataPoints);
  let points = data;
  if (minutes > 0) {
    const idle = new Array<number>(minutes - 1).fill(0);
    const all = [...idle, count - previousCount, ...(JSON.parse(data) as number[])];
    points = JSON.stringify(all.slice(0, maxDataPoints));
  }
  queue.store.run(
    'INSERT OR REPLACE INTO metrics (queue, kind, count, previous_at, previous_count, data) VALUES (?, ?, ?, ?, ?, ?)',
    queue.id,
    kind,
    count + 1,
    previousAt === null || minutes > 0 ? at : previousAt,
    minutes > 0 ? count : previousCount,
    points,
  );
}

export interface GetMetricsOptions {
  kind: 'completed' | 'failed';
  /** The first and the last point, both inclusive; negative positions count from the oldest. */
  start: number;
  end: number;
}

/** Returns the counters, and a range of the points. */
export function getMetrics(
  queue: QueueState,
  { kind, start, end }: GetMetricsOptions,
): { meta: number[]; points: number[]; total: number } {
  const [count, previousAt, previousCount, data] = read(queue, kind) ?? [0, 0, 0, '[]'];
  const points = JSON.parse(data) as number[];
  const first = start < 0 ? Math.max(points.length + start, 0) : start;
  const last = end < 0 ? points.length + end : end;
  return {
    meta: [count, previousAt ?? 0, previousCount],
    points: points.slice(first, last + 1),
    total: points.length,
  };
}
