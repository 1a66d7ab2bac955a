export type MessageHandler = (message: string, channel: string) => void;

/**
 * Calls every handler with a message. An error of a handler is a bug: it is rethrown
 * asynchronously, so that the other handlers are still called.
 */
export function deliver(handlers: Iterable<MessageHandler>, message: string, channel: string): void {
  for (const handler of handlers) {
    try {
      handler(message, channel);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
