import { hash } from 'node:crypto';

/** One of the server-sent events of a stream that sends a value whenever it changes. */
export interface StreamEvent {
  /** The event as it is sent. */
  text: string;
  /** The SHA-256 of the text, by which an unchanged value is recognised. */
  digest: string;
  /** Nothing follows it: the stream ends. */
  isLast: boolean;
}

/** Returns the event that sends a value as JSON. */
export function streamEvent(value: unknown, isLast: boolean): StreamEvent {
  const text = `data: ${JSON.stringify(value)}\n\n`;
  return { text, digest: hash('sha256', text), isLast };
}
