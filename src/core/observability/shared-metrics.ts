import { z } from 'zod';
import type { Bus } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';

const CHANNEL = 'metrics';
/** The metrics of a process that has been silent for this number of rounds are dropped. */
const SILENT_ROUNDS = 3;

export interface SharedMetrics extends Closable {
  /** Returns the latest metrics of every other live process. */
  others(): object[][];
  /** Returns the ids of the other live processes. */
  processes(): string[];
}

const messageSchema = z.object({ from: z.string(), figures: z.array(z.looseObject({})) });

/**
 * Publishes this process's metrics to the other processes every `everyMs`, so that any web process
 * can report them all.
 */
export async function openSharedMetrics(options: {
  bus: Bus;
  processId: string;
  everyMs: number;
  snapshot(): Promise<object[]>;
}): Promise<SharedMetrics> {
  const { bus, processId, everyMs, snapshot } = options;
  const received = new Map<string, { metrics: object[]; at: number }>();

  const stop = await bus.subscribe(CHANNEL, (message) => {
    const { from, figures: metrics } = messageSchema.parse(JSON.parse(message));
    if (from !== processId) received.set(from, { metrics, at: performance.now() });
  });
  const publish = async () => {
    try {
      await bus.publish(CHANNEL, JSON.stringify({ from: processId, figures: await snapshot() }));
    } catch {
      // The bus is unreachable; the next round publishes newer values.
    }
  };
  const timer = setInterval(publish, everyMs).unref();
  void publish();

  const dropStale = () => {
    const since = performance.now() - SILENT_ROUNDS * everyMs;
    for (const [from, { at }] of received) if (at < since) received.delete(from);
  };

  return {
    others() {
      dropStale();
      return [...received.values()].map(({ metrics }) => metrics);
    },
    processes() {
      dropStale();
      return [...received.keys()];
    },
    async close() {
      clearInterval(timer);
      await stop();
    },
  };
}
