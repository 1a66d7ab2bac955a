import type { Bus } from '../../ports/bus.js';
import { unavailable } from '../../redis/connection.js';
import { connectNode } from '../../redis/server.js';
import { frame, unframe } from '../frames.js';
import { deliver, type MessageHandler, type ReportError } from '../handlers.js';

export interface RedisBusOptions {
  url: string;
}

interface Channel {
  handlers: Set<MessageHandler>;
  /** Settles with the SUBSCRIBE command of the first handler. */
  subscribed: Promise<unknown>;
}

interface Batch {
  messages: string[];
  length: number;
  sent: Promise<void>;
  send: () => void;
}

const PREFIX = 'orama:bus:';
/**
 * A batch of this length (in UTF-16 units) is sent immediately. Larger batches gain nothing and
 * delay the messages behind them.
 */
const MAX_BATCH_LENGTH = 1 << 20;
/**
 * Interval of the ping. A subscriber connection sends no commands, so a dead connection would go
 * unnoticed without one.
 */
const HEARTBEAT_MS = 5000;

/**
 * Opens the bus of all processes that share one Redis. Messages that a process publishes to one
 * channel within one turn of the event loop are sent as one Redis message: under load, a PUBLISH
 * per reply would cost more than the function call itself.
 */
export async function openRedisBus({ url }: RedisBusOptions, report: ReportError): Promise<Bus> {
  const publisher = await connectNode(url, 'REDIS_URL');
  const subscriber = await connectNode(url, 'REDIS_URL').catch((error: unknown) => {
    publisher.disconnect();
    throw error;
  });
  const channels = new Map<string, Channel>();
  const gapHandlers = new Set<() => void>();
  const batches = new Map<string, Batch>();
  /** Resolves when the batches of this turn have been sent; null if there are none. */
  let turnEnds: Promise<void> | null = null;

  subscriber.on('message', (name: string, framed: string) => {
    const channel = name.slice(PREFIX.length);
    for (const message of unframe(framed)) {
      // Look the handlers up for each message: a handler may unsubscribe, or a new one subscribe,
      // within a batch.
      deliver(channels.get(channel)?.handlers ?? [], message, channel, report);
    }
  });

  // Fires on reconnects only: the first connection was ready before this listener was added.
  subscriber.on('ready', async () => {
    try {
      const names = [...channels.keys()].map((channel) => PREFIX + channel);
      if (names.length > 0) await subscriber.subscribe(...names);
    } catch {
      // The connection was lost again; the next `ready` event resubscribes.
      return;
    }
    for (const handler of [...gapHandlers]) handler();
  });

  const heartbeat = setInterval(() => {
    // If the ping gets no response, the socket timeout closes the connection.
    subscriber.ping().catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();

  function openBatch(channel: string): Batch {
    const batch: Batch = { messages: [], length: 0, sent: Promise.resolve(), send: () => {} };
    batch.sent = new Promise((resolve, reject) => {
      batch.send = () => {
        if (batches.get(channel) === batch) batches.delete(channel);
        publisher.publish(PREFIX + channel, frame(batch.messages)).then(
          () => resolve(),
          (error: unknown) => reject(unavailable('bus', error)),
        );
        batch.send = () => {};
      };
    });
    batches.set(channel, batch);
    turnEnds ??= endOfTurn();
    return batch;
  }

  async function endOfTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    turnEnds = null;
    for (const batch of [...batches.values()]) batch.send();
  }

  return {
    driver: 'redis',

    publish(channel, message) {
      const batch = batches.get(channel) ?? openBatch(channel);
      batch.messages.push(message);
      batch.length += message.length;
      if (batch.length >= MAX_BATCH_LENGTH) batch.send();
      return batch.sent;
    },

    async flush() {
      await turnEnds;
    },

    async subscribe(channel, handler) {
      const known = channels.get(channel);
      const entry = known ?? { handlers: new Set(), subscribed: subscriber.subscribe(PREFIX + channel) };
      channels.set(channel, entry);
      // Wrapped, so that a function that is subscribed twice has two entries in the set.
      const own: MessageHandler = (message, from) => handler(message, from);
      entry.handlers.add(own);
      const leave = (): boolean => {
        const wasLast = entry.handlers.delete(own) && entry.handlers.size === 0;
        if (!wasLast || channels.get(channel) !== entry) return false;
        return channels.delete(channel);
      };
      try {
        await entry.subscribed;
      } catch (error) {
        leave();
        throw unavailable('bus', error);
      }
      return async () => {
        // UNSUBSCRIBE fails only without a connection, and then the subscription has ended as well.
        if (leave()) await subscriber.unsubscribe(PREFIX + channel).catch(() => {});
      };
    },

    onGap(handler) {
      const own = () => handler();
      gapHandlers.add(own);
      return async () => {
        gapHandlers.delete(own);
      };
    },

    async ping() {
      try {
        await Promise.all([publisher.ping(), subscriber.ping()]);
      } catch (error) {
        throw unavailable('bus', error);
      }
    },

    async close() {
      clearInterval(heartbeat);
      const leaving = [...batches.values()];
      for (const batch of leaving) batch.send();
      await Promise.allSettled(leaving.map((batch) => batch.sent));
      channels.clear();
      gapHandlers.clear();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
