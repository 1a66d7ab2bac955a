import type * as z from 'zod';
import type { statsReplySchema } from '../../contract/http/stats.js';
import type { InvocationQueue } from '../../ports/queue.js';
import type { AttemptStore } from '../../ports/store/attempts.js';
import { freshCache } from '../fresh-cache.js';
import { createMinuteFigures, type FiguresRequest, subjectOf } from './minute-figures.js';

export type StatsRequest = FiguresRequest;
export type StatsReply = z.infer<typeof statsReplySchema>;

/**
 * Counts invocations by minute and state from the store, so that every web process returns the same
 * numbers.
 */
export interface Stats {
  read(request: StatsRequest): Promise<StatsReply>;
}

export function createStats({ attempts, queue }: { attempts: AttemptStore; queue: InvocationQueue }): Stats {
  const cache = freshCache<StatsReply['per_minute']>();
  const minutesOf = createMinuteFigures(attempts);

  return {
    async read(request) {
      const key = `${subjectOf(request)}/${request.windowMs}`;
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
