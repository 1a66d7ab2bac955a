import { goGuest } from './go-guest.js';

/** One thing that the probe guest does; see test/fixtures/probe/main.go. */
export interface Command {
  op: string;
  a?: string;
  b?: string;
  n?: number;
  json?: unknown;
}

let built: Promise<Buffer> | undefined;

/**
 * The guest of the end-to-end tests, built by the standard Go toolchain once per change of its
 * source.
 */
export function probeWasm(): Promise<Buffer> {
  built ??= goGuest('test/fixtures/probe');
  return built;
}

/** The probe's input. */
export function commands(...list: Command[]): string {
  return JSON.stringify(list);
}
