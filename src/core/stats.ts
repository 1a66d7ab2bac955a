import type { z } from 'zod';
import type { statsReplySchema } from '../contract/http/stats.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { AttemptStore } from '../ports/store/attempts.js';
import { freshCache } from './fresh-cache.js';

const MINUTE_MS = 60_000;
/** Cache duration of a result. */
const MAX_AGE_MS = 2000;

export interface StatsRequest {
  namespace: Namespace;
  function?: FunctionName;
  windowMs: number;
}

export type StatsReply = z.infer<typeof statsReplySchema>;

/**
 * Counts invocations by minute and state from the store, so that every web process returns the same
 * numbers.
 */
export interface Stats {
  read(request: StatsRequest): Promise<StatsReply>;
}

export function createStats({ attempts, queue }: { attempts: AttemptStore; queue: InvocationQueue }): Stats {
  const cache = freshCache<StatsReply['per_minute']>(MAX_AGE_MS);

  const minutesOf = async ({ namespace, function: fn, windowMs }: StatsRequest) => {
    const last = Math.floor(Date.now() / MINUTE_MS);
    const first = last - windowMs / MINUTE_MS + 1;
    const query = {
      namespace,
      ...(fn === undefined ? {} : { function: fn }),
      since: first * MINUTE_MS,
      until: (last + 1) * MINUTE_MS,
    };
    const counts = await attempts.perMinute(query);
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    const durations = new Map<number, number[]>();
    if (total > 0) {
      for (const { minute, ms } of await attempts.durations(query, total)) {
        const list = durations.get(minute);
        if (list === undefined) durations.set(minute, [ms]);
        else list.push(ms);
      }
    }
    return Array.from({ length: last - first + 1 }, (_, at) => {
      const minute = first + at;
      const of = counts.filter((one) => one.minute === minute);
      const count = (state: string) => of.find((one) => one.state === state)?.count ?? 0;
      const sorted = (durations.get(minute) ?? []).sort((a, b) => a - b);
      return {
        minute: new Date(minute * MINUTE_MS).toISOString(),
        accepted: of.reduce((sum, one) => sum + one.count, 0),
        success: count('success'),
        error: count('error'),
        timeout: count('timeout'),
        dead: count('dead'),
        p50_ms: percentile(sorted, 0.5),
        p95_ms: percentile(sorted, 0.95),
      };
    });
  };

  return {
    async read(request) {
      const key = `${request.namespace}/${request.function ?? ''}/${request.windowMs}`;
      const [minutes, use] = await Promise.all([
        cache.get(key, () => minutesOf(request)),
        queue.use(request.namespace),
      ]);
      return {
        per_minute: minutes ?? [],
        now: {
          waiting: use.waiting,
          delayed: use.delayed,
          running: use.running,
          oldest_waiting_s: Math.round(use.oldestMs / 1000),
        },
      };
    },
  };
}

/** Returns the percentile by the nearest-rank method; null for an empty list. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
