export type MessageHandler = (message: string, channel: string) => void;

/** Called with the error of a handler that threw. */
export type ReportError = (message: string, error: unknown) => void;

/**
 * Calls every handler with a message. An error of a handler is reported, and the other handlers are
 * still called: a message of another version, or of another program, must not end every process
 * that receives it.
 */
export function deliver(
  handlers: Iterable<MessageHandler>,
  message: string,
  channel: string,
  report: ReportError,
): void {
  for (const handler of handlers) {
    try {
      handler(message, channel);
    } catch (error) {
      report(`A message on the bus channel ${JSON.stringify(channel)} could not be handled.`, error);
    }
  }
}
