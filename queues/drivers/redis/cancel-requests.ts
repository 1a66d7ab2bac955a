import type { Redis } from 'ioredis';
import { DAY_MS } from '../../../src/contract/limits.js';
import type { Closable } from '../../../src/ports/closable.js';
import { closeRedis, type RedisConnection } from '../../../src/redis/connection.js';
import type { RedisServer } from '../../../src/redis/server.js';

/**
 * How long a cancel request is kept: a job whose attempt has failed at the same moment waits up to
 * an hour for its retry, and perhaps for others of its function, before it finds the request.
 */
const CANCEL_REMEMBERED_MS = DAY_MS;

/** Cancel requests: a key per request, and a channel that announces it to all processes. */
export class RedisCancelRequests implements Closable {
  readonly #server: RedisServer;
  readonly #connection: RedisConnection;
  readonly #channel: string;
  readonly #subscriptions: Closable[] = [];

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
    // A cluster delivers messages on all nodes.
    const subscriber = this.#server.openNode('worker');
    const heartbeat = setInterval(() => ping(subscriber), this.#server.workerSilenceMs);
    heartbeat.unref();
    const subscription: Closable = {
      close: () => {
        clearInterval(heartbeat);
        return closeRedis(subscriber);
      },
    };
    this.#subscriptions.push(subscription);
    subscriber.on('message', (_channel: string, id: string) => handler(id));
    await subscriber.subscribe(this.#channel);
    // A request published before the subscription is missed, so the handler checks all running jobs
    // once it stands.
    subscriber.on('ready', () => {
      subscriber.subscribe(this.#channel).then(
        () => handler(null),
        () => {},
      );
    });
    return subscription;
  }

  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
  }
}

/**
 * A subscriber sends no commands, so a dead connection would go unnoticed. If a ping gets no
 * response, the socket timeout closes the connection. Without a connection, pings would only pile
 * up.
 */
function ping(subscriber: Redis): void {
  if (subscriber.status === 'ready') subscriber.ping().catch(() => {});
}
