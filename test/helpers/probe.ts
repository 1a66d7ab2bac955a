import { guest } from './guests.js';

/** An operation of the probe guest; see test/fixtures/guests/probe.as.ts. */
export interface Command {
  op: string;
  a?: string;
  b?: string;
  n?: number;
  json?: unknown;
}

/** Builds the guest of the end-to-end tests, once per change of its source. */
export async function probeWasm(): Promise<Buffer> {
  return Buffer.from(await guest('probe.as.ts'));
}

/** Returns the probe's input. */
export function commands(...list: Command[]): string {
  return JSON.stringify(list);
}
