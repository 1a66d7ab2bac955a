import { goGuest } from './go-guest.js';

/** An operation of the probe guest; see test/fixtures/probe/main.go. */
export interface Command {
  op: string;
  a?: string;
  b?: string;
  n?: number;
  json?: unknown;
}

let built: Promise<Buffer> | undefined;

/**
 * Builds the guest of the end-to-end tests with the standard Go toolchain, once per change of its
 * source.
 */
export function probeWasm(): Promise<Buffer> {
  built ??= goGuest('test/fixtures/probe');
  return built;
}

/** Returns the probe's input. */
export function commands(...list: Command[]): string {
  return JSON.stringify(list);
}
