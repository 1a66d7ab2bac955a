import { guest } from './guests.js';

/** A small guest that does what `acts` tells it; see test/fixtures/guests/acts.as.ts. */
export function actsWasm(): Promise<Uint8Array> {
  return guest('acts.as.ts');
}

/** Its input: `acts('log hello', 'sleep 20', 'exit 1')`. */
export function acts(...list: string[]): string {
  return JSON.stringify({ acts: list.join('; ') });
}

/** An act that publishes a message, whose triggered functions do the inner acts. */
export function publishing(topic: string, ...inner: string[]): string {
  return `publish ${topic} {${inner.join('; ')}}`;
}
