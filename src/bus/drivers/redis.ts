import type { Bus, Unsubscribe } from '../../ports/bus.js';
import { type RedisConnection, unavailable } from '../../redis/connection.js';
import { connectNode } from '../../redis/server.js';
import { frame, unframe } from '../frames.js';
import { deliver, type MessageHandler, type ReportError } from '../handlers.js';
import { Notices } from '../notices.js';
import { PublishBatches } from '../publish-batches.js';

export interface RedisBusOptions {
  url: string;
}

interface Channel {
  handlers: Set<MessageHandler>;
  /** Settles with the SUBSCRIBE command of the first handler. */
  subscribed: Promise<unknown>;
}

const PREFIX = 'orama:bus:';
/**
 * Interval of the ping. A subscriber connection sends no commands, so a dead connection would go
 * unnoticed without one.
 */
const HEARTBEAT_MS = 5000;
/** The delay after which subscriptions are restored again, in milliseconds. */
const RESUBSCRIBE_MS = 1000;

/** Opens the bus of all processes that share one Redis. */
export async function openRedisBus({ url }: RedisBusOptions, report: ReportError): Promise<Bus> {
  const publisher = await connectNode(url, 'REDIS_URL');
  const subscriber = await connectNode(url, 'REDIS_URL').catch((error: unknown) => {
    publisher.disconnect();
    throw error;
  });
  return new RedisBus(publisher, subscriber, report);
}

class RedisBus implements Bus {
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #report: ReportError;
  readonly #batches: PublishBatches;
  readonly #notices: Notices;
  readonly #channels = new Map<string, Channel>();
  readonly #gapHandlers = new Set<() => void>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(publisher: RedisConnection, subscriber: RedisConnection, report: ReportError) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#report = report;
    this.#batches = new PublishBatches((channel, framed) => publisher.publish(PREFIX + channel, framed));
    this.#notices = new Notices(this, (channel, messages) =>
      publisher.publish(PREFIX + channel, frame(messages)),
    );
    subscriber.on('message', (name: string, framed: string) => this.#onMessage(name, framed));
    // Fires on reconnects only: the first connection was ready before this listener was added.
    subscriber.on('ready', () => void this.#onReconnect());
    this.#heartbeat = setInterval(() => {
      // If the ping gets no response, the socket timeout closes the connection.
      subscriber.ping().catch(() => {});
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  publish(channel: string, message: string): Promise<void> {
    return this.#batches.add(channel, message);
  }

  async notify(channel: string, message: string): Promise<void> {
    try {
      await this.#notices.send(channel, message);
    } catch (error) {
      throw unavailable('bus', error);
    }
  }

  flush(): Promise<void> {
    return this.#batches.flush();
  }

  async subscribe(channel: string, handler: MessageHandler): Promise<Unsubscribe> {
    const entry = this.#channels.get(channel) ?? this.#openChannel(channel);
    // Wrapped, so that a function that is subscribed twice has two entries in the set.
    const own: MessageHandler = (message, from) => handler(message, from);
    entry.handlers.add(own);
    try {
      await entry.subscribed;
    } catch (error) {
      this.#leave(channel, entry, own);
      throw unavailable('bus', error);
    }
    return async () => {
      if (!this.#leave(channel, entry, own)) return;
      // UNSUBSCRIBE fails only without a connection, and then the subscription has ended as well.
      await this.#subscriber.unsubscribe(PREFIX + channel).catch(() => {});
    };
  }

  onGap(handler: () => void): Unsubscribe {
    const own = () => handler();
    this.#gapHandlers.add(own);
    return async () => {
      this.#gapHandlers.delete(own);
    };
  }

  async ping(): Promise<void> {
    try {
      await Promise.all([this.#publisher.ping(), this.#subscriber.ping()]);
    } catch (error) {
      throw unavailable('bus', error);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#batches.close();
    this.#channels.clear();
    this.#gapHandlers.clear();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  #openChannel(channel: string): Channel {
    const entry = {
      handlers: new Set<MessageHandler>(),
      subscribed: this.#subscriber.subscribe(PREFIX + channel),
    };
    this.#channels.set(channel, entry);
    return entry;
  }

  /** Removes a handler. Returns whether the channel has no other one and is to be unsubscribed. */
  #leave(channel: string, entry: Channel, handler: MessageHandler): boolean {
    const wasLast = entry.handlers.delete(handler) && entry.handlers.size === 0;
    if (!wasLast || this.#channels.get(channel) !== entry) return false;
    return this.#channels.delete(channel);
  }

  #onMessage(name: string, framed: string): void {
    const channel = name.slice(PREFIX.length);
    for (const message of unframe(framed)) {
      if (this.#notices.acknowledge(message)) continue;
      // Look the handlers up for each message: a handler may unsubscribe, or a new one subscribe,
      // within a batch.
      deliver(this.#channels.get(channel)?.handlers ?? [], message, channel, this.#report);
    }
  }

  async #onReconnect(): Promise<void> {
    try {
      const names = [...this.#channels.keys()].map((channel) => PREFIX + channel);
      if (names.length > 0) await this.#subscriber.subscribe(...names);
    } catch {
      // If the connection was lost again, the next `ready` event resubscribes. Otherwise the server
      // was too slow or refused it, and the gap must still be reported.
      if (this.#subscriber.status === 'ready')
        setTimeout(() => void this.#onReconnect(), RESUBSCRIBE_MS).unref();
      return;
    }
    for (const handler of [...this.#gapHandlers]) handler();
  }
}
