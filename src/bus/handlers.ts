export type MessageHandler = (message: string, channel: string) => void;

/**
 * Gives a message to every handler. One that throws, which is a bug, surfaces as such and keeps
 * none of the others from theirs.
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
