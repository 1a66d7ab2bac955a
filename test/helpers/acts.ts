import { guest } from './guests.js';

/** A small guest that executes the commands of `acts`; see test/fixtures/guests/acts.as.ts. */
export function actsWasm(): Promise<Uint8Array> {
  return guest('acts.as.ts');
}

/** Returns its input: `acts('log hello', 'sleep 20', 'exit 1')`. */
export function acts(...list: string[]): string {
  return JSON.stringify({ acts: list.join('; ') });
}

/**
 * Returns a command that publishes a message, for which triggered functions execute the inner
 * commands.
 */
export function publishing(topic: string, ...inner: string[]): string {
  return `publish ${topic} {${inner.join('; ')}}`;
}
