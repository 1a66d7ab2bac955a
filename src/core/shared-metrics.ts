import { z } from 'zod';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';

const CHANNEL = 'metrics';
/** A process that has been silent for so many rounds is gone, and its figures with it. */
const SILENT_ROUNDS = 3;

export interface SharedMetrics extends Closable {
  /** The latest figures of every other process that is there. */
  others(): object[][];
  /** The ids of the other processes that are there. */
  processes(): string[];
}

const messageSchema = z.object({ from: z.string(), figures: z.array(z.looseObject({})) });

/**
 * Each process tells the others its figures every `everyMs`, so that any web process can show all
 * of them.
 */
export async function shareMetrics(options: {
  bus: Bus;
  processId: string;
  everyMs: number;
  snapshot(): Promise<object[]>;
}): Promise<SharedMetrics> {
  const { bus, processId, everyMs, snapshot } = options;
  const heard = new Map<string, { figures: object[]; at: number }>();

  const stop = await bus.subscribe(CHANNEL, (message) => {
    const { from, figures } = messageSchema.parse(JSON.parse(message));
    if (from !== processId) heard.set(from, { figures, at: performance.now() });
  });
  const tell = async () => {
    try {
      await bus.publish(CHANNEL, JSON.stringify({ from: processId, figures: await snapshot() }));
    } catch {
      // The bus is away; the next round says the same and more.
    }
  };
  const timer = setInterval(tell, everyMs).unref();
  void tell();

  const forget = () => {
    const since = performance.now() - SILENT_ROUNDS * everyMs;
    for (const [from, { at }] of heard) if (at < since) heard.delete(from);
  };

  return {
    others() {
      forget();
      return [...heard.values()].map(({ figures }) => figures);
    },
    processes() {
      forget();
      return [...heard.keys()];
    },
    async close() {
      clearInterval(timer);
      await stop();
    },
  };
}
