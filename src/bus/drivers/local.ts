import type { Bus } from '../../ports/bus.js';
import { deliver, type MessageHandler } from '../handlers.js';

/** The bus of a single process: there is nobody else to tell. */
export async function openLocalBus(): Promise<Bus> {
  const channels = new Map<string, Set<MessageHandler>>();

  return {
    driver: 'local',

    async publish(channel, message) {
      const handlers = channels.get(channel);
      if (handlers === undefined) return;
      // Not in the publisher's own stack: a handler may publish in turn, and must see state that is
      // settled.
      queueMicrotask(() => deliver(handlers, message, channel));
    },

    async flush() {},

    async subscribe(channel, handler) {
      const handlers = channels.get(channel) ?? new Set();
      channels.set(channel, handlers);
      // Wrapped, so that one function subscribed twice counts as two.
      const own: MessageHandler = (message, from) => handler(message, from);
      handlers.add(own);
      return async () => {
        handlers.delete(own);
        if (handlers.size === 0 && channels.get(channel) === handlers) channels.delete(channel);
      };
    },

    // Within one process there is no connection to lose.
    onGap: () => async () => {},

    async ping() {},

    async close() {
      for (const handlers of channels.values()) handlers.clear();
      channels.clear();
    },
  };
}
