import type { Bus } from '../../ports/bus.js';
import { deliver, type MessageHandler, type ReportError } from '../handlers.js';

/** Opens the bus of a single process. */
export async function openLocalBus(report: ReportError): Promise<Bus> {
  const channels = new Map<string, Set<MessageHandler>>();

  return {
    async publish(channel, message) {
      const handlers = channels.get(channel);
      if (handlers === undefined) return;
      // Deliver outside the publisher's call stack: a handler may publish in turn and must see
      // consistent state.
      queueMicrotask(() => deliver(handlers, message, channel, report));
    },

    async notify(channel, message) {
      // Subscribers of the same process are called at once.
      deliver([...(channels.get(channel) ?? [])], message, channel, report);
    },

    async flush() {},

    async subscribe(channel, handler) {
      const handlers = channels.get(channel) ?? new Set();
      channels.set(channel, handlers);
      // Wrapped, so that a function that is subscribed twice has two entries in the set.
      const own: MessageHandler = (message, from) => handler(message, from);
      handlers.add(own);
      return async () => {
        handlers.delete(own);
        if (handlers.size === 0 && channels.get(channel) === handlers) channels.delete(channel);
      };
    },

    // There is no connection within a process, so messages are never lost.
    onGap: () => async () => {},

    async ping() {},

    async close() {
      for (const handlers of channels.values()) handlers.clear();
      channels.clear();
    },
  };
}
