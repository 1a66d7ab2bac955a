import type { Closable } from './closable.js';

/**
 * Pub/sub between the processes of one installation: replies, invalidations, cancellations, live
 * topics. Delivery is at most once: messages sent while a subscriber is disconnected are lost,
 * which `onGap` reports. Messages that must not be lost go through the queue.
 */
export interface Bus extends Closable {
  /**
   * Resolves when the bus has accepted the message. Subscribers in the same process receive it too.
   */
  publish(channel: string, message: string): Promise<void>;
  /**
   * Like `publish`, but resolves when the subscribers in every process have handled the message, so
   * that none of them acts on what it knew before; after 500 ms at most, because a process may be
   * frozen. For rare messages: each subscriber sends an acknowledgement. Subscribers at other nodes
   * of a Redis Cluster are notified, but not waited for.
   */
  notify(channel: string, message: string): Promise<void>;
  /**
   * Resolves, and never rejects, when all messages published so far have been sent to the server.
   * This takes no round trip. If another process publishes after the same server has responded to
   * it since, its message is delivered later; the order of messages that are in flight at the same
   * time is undefined.
   */
  flush(): Promise<void>;
  /** Resolves when the subscription is active. The handler must not throw. */
  subscribe(channel: string, handler: (message: string, channel: string) => void): Promise<Unsubscribe>;
  /**
   * Registers a handler that runs after a reconnect, when messages may have been lost and caches
   * must be dropped.
   */
  onGap(handler: () => void): Unsubscribe;
  ping(): Promise<void>;
}

export type Unsubscribe = () => Promise<void>;
