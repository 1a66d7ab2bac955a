import * as z from 'zod';
import type { Bus } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';

const CHANNEL = 'metrics';
/** The metrics of a process that has been silent for this number of rounds are dropped. */
const SILENT_ROUNDS = 3;

/** The metrics of the other live processes. */
export interface PeerMetrics extends Closable {
  /** Returns the latest metrics of each. */
  all(): object[][];
  /** Returns the ids of the processes. */
  processes(): string[];
}

const messageSchema = z.object({ from: z.string(), figures: z.array(z.looseObject({})) });

/** Publishes this process's metrics every `everyMs`, so that each web process can report them. */
export function publishMetrics(options: {
  bus: Bus;
  processId: string;
  everyMs: number;
  snapshot(): Promise<object[]>;
}): Closable {
  const { bus, processId, everyMs, snapshot } = options;
  const publish = async () => {
    try {
      await bus.publish(CHANNEL, JSON.stringify({ from: processId, figures: await snapshot() }));
    } catch {
      // The bus is unreachable; the next round publishes newer values.
    }
  };
  const timer = setInterval(publish, everyMs).unref();
  void publish();
  return { close: async () => clearInterval(timer) };
}

/** Collects what the other processes publish every `everyMs`. */
export async function openPeerMetrics(options: {
  bus: Bus;
  processId: string;
  everyMs: number;
}): Promise<PeerMetrics> {
  const { bus, processId, everyMs } = options;
  const received = new Map<string, { metrics: object[]; at: number }>();

  const dropStale = () => {
    const since = performance.now() - SILENT_ROUNDS * everyMs;
    for (const [from, { at }] of received) if (at < since) received.delete(from);
  };
  const stop = await bus.subscribe(CHANNEL, (message) => {
    const { from, figures: metrics } = messageSchema.parse(JSON.parse(message));
    if (from === processId) return;
    received.set(from, { metrics, at: performance.now() });
    // Also while nobody reads: each start of a process has a new id.
    dropStale();
  });

  return {
    all() {
      dropStale();
      return [...received.values()].map(({ metrics }) => metrics);
    },
    processes() {
      dropStale();
      return [...received.keys()];
    },
    close: stop,
  };
}
