import type { Closable } from '../../../src/ports/closable.js';
import { closeRedis, type RedisConnection } from '../../../src/redis/connection.js';
import type { RedisServer } from '../../../src/redis/server.js';

/**
 * How long a cancel request is kept. No attempt lasts longer than 300 s, and a stalled job is
 * redelivered within seconds.
 */
const CANCEL_REMEMBERED_MS = 600_000;

/** Cancel requests: a key per request, and a channel that announces it to all processes. */
export class RedisCancelRequests implements Closable {
  readonly #server: RedisServer;
  readonly #connection: RedisConnection;
  readonly #channel: string;
  readonly #subscribers: RedisConnection[] = [];

  constructor(server: RedisServer, connection: RedisConnection, channel: string) {
    this.#server = server;
    this.#connection = connection;
    this.#channel = channel;
  }

  async request(id: string): Promise<void> {
    await this.#connection.set(`${this.#channel}:${id}`, '1', 'PX', CANCEL_REMEMBERED_MS);
    await this.#connection.publish(this.#channel, id);
  }

  async isRequested(id: string): Promise<boolean> {
    return (await this.#connection.exists(`${this.#channel}:${id}`)) === 1;
  }

  /** Calls the handler with null after each reconnection, as requests may have been missed. */
  async onRequest(handler: (id: string | null) => void): Promise<Closable> {
    const subscriber = this.#server.open('blocking');
    this.#subscribers.push(subscriber);
    subscriber.on('message', (_channel: string, id: string) => handler(id));
    await subscriber.subscribe(this.#channel);
    subscriber.on('ready', () => handler(null));
    return { close: () => closeRedis(subscriber) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#subscribers.map(closeRedis));
  }
}
