import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MAX_TRIGGER_DEPTH } from '../contract/limits.js';
import { AppError } from '../errors.js';
import type { SettingStore } from '../ports/store/settings.js';

/**
 * Carries the trigger depth of the invocation that made a request; in lower case, as Node has it.
 */
export const DEPTH_HEADER = 'x-orama-depth';

/**
 * The trigger depth over HTTP. What a function requests goes to whatever name and proxy the engine
 * is reached by, so every request of http_fetch carries the depth of its invocation, signed; one
 * that comes back to an engine of this installation is a step deeper. A header that nobody here has
 * signed counts for nothing, and one that was signed can only make a call deeper.
 */
export interface CallDepth {
  /** The header's value for what an invocation at this depth requests. */
  sign(depth: number): string;
  /** The depth of what a request causes: 0 for one from outside. */
  read(header: string | string[] | undefined): number;
}

export async function createCallDepth(settings: SettingStore): Promise<CallDepth> {
  const made = randomBytes(32).toString('base64url');
  const secret = await settings.putIfAbsent('engine', 'call-depth-key', made);
  const signed = Array.from({ length: MAX_TRIGGER_DEPTH + 1 }, (_, depth) => {
    const mac = createHmac('sha256', secret).update(`depth ${depth}`).digest('base64url');
    return `${depth}.${mac}`;
  });
  return {
    sign: (depth) => signed[Math.min(depth, MAX_TRIGGER_DEPTH)] ?? '',
    read(header) {
      if (header === undefined) return 0;
      const given = Buffer.from(String(header));
      const found = signed.findIndex((value) => {
        const known = Buffer.from(value);
        return known.length === given.length && timingSafeEqual(known, given);
      });
      return found + 1;
    },
  };
}

/** For what would run an invocation: a chain of calls ends where a chain of triggers does. */
export function assertDepth(depth: number): void {
  if (depth <= MAX_TRIGGER_DEPTH) return;
  throw new AppError(
    'loop_detected',
    `This call comes from an invocation at the trigger depth of ${MAX_TRIGGER_DEPTH}, which causes no further ones; look for a function that calls itself, also by way of others.`,
  );
}
