import type { Closable } from './closable.js';

/**
 * Messages between the processes of one installation: replies, invalidations, cancellations, live
 * topics. At most once: a message sent while a subscriber is cut off is lost, and `onGap` tells it
 * so. What must not be lost goes through the queue.
 */
export interface Bus extends Closable {
  readonly driver: string;
  /** Resolves when the bus has the message. Own subscribers get it too. */
  publish(channel: string, message: string): Promise<void>;
  /**
   * Resolves, and never rejects, when what was published so far has left this process. That takes
   * no round trip. What another process publishes after the same server has answered it since is
   * heard later; of two messages that are on their way at once a server may read either first.
   */
  flush(): Promise<void>;
  /** Resolves once messages arrive; the handler must not throw. */
  subscribe(channel: string, handler: (message: string, channel: string) => void): Promise<Unsubscribe>;
  /** Called after a reconnect, when messages may have been missed: drop caches, look again. */
  onGap(handler: () => void): Unsubscribe;
  ping(): Promise<void>;
}

export type Unsubscribe = () => Promise<void>;
