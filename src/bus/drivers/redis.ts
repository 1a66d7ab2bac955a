import type { Bus } from '../../ports/bus.js';
import { unavailable } from '../../redis/connection.js';
import { connectNode } from '../../redis/server.js';
import { frame, unframe } from '../frames.js';
import { deliver, type MessageHandler } from '../handlers.js';

export interface RedisBusOptions {
  url: string;
}

interface Channel {
  handlers: Set<MessageHandler>;
  /** Settles with the SUBSCRIBE of the first handler. */
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
 * A batch is sent at once when it has grown to this: larger ones gain nothing and hold up what is
 * behind them.
 */
const MAX_BATCH_LENGTH = 1 << 20;
/**
 * A subscription sends nothing by itself, so that only a question finds out that its connection is
 * dead.
 */
const HEARTBEAT_MS = 5000;

/**
 * The bus of all processes on one Redis. What a process publishes to one channel within one turn of
 * its event loop goes as one message: under load a PUBLISH for each reply would cost more than the
 * function it is the reply of.
 */
export async function openRedisBus({ url }: RedisBusOptions): Promise<Bus> {
  const publisher = await connectNode(url, 'REDIS_URL');
  const subscriber = await connectNode(url, 'REDIS_URL').catch((error: unknown) => {
    publisher.disconnect();
    throw error;
  });
  const channels = new Map<string, Channel>();
  const gapHandlers = new Set<() => void>();
  const batches = new Map<string, Batch>();
  /** When the batches of this turn have been sent; null without any. */
  let turnEnds: Promise<void> | null = null;

  subscriber.on('message', (name: string, framed: string) => {
    const channel = name.slice(PREFIX.length);
    for (const message of unframe(framed)) {
      // Looked up for each: a handler may leave, or the last one come anew, in the middle of a
      // batch.
      deliver(channels.get(channel)?.handlers ?? [], message, channel);
    }
  });

  // Only reconnects: the first connection was made before this listener.
  subscriber.on('ready', async () => {
    try {
      const names = [...channels.keys()].map((channel) => PREFIX + channel);
      if (names.length > 0) await subscriber.subscribe(...names);
    } catch {
      // Lost again: the next connection does it.
      return;
    }
    for (const handler of [...gapHandlers]) handler();
  });

  const heartbeat = setInterval(() => {
    // Unanswered, it makes the connection's silence timer give it up.
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
      // Wrapped, so that one function subscribed twice counts as two.
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
        // Refused only without a connection, and then there is no subscription either.
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
