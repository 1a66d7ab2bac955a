import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MAX_TRIGGER_DEPTH } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { SettingStore } from '../../ports/store/settings.js';
import { FIRST_DEPTH } from '../events/message.js';

/**
 * Header with the trigger depth of the invocation that sent the request; in lower case, as in Node.
 */
export const DEPTH_HEADER = 'x-orama-depth';

/**
 * Propagates the trigger depth over HTTP. Since the engine can be reached by any host name or
 * proxy, every request of http_fetch and every callback carries the signed depth of its invocation.
 * A request that arrives at an engine of this installation has a depth one greater. Headers without
 * a valid signature are ignored; a valid one can only increase the depth of a call.
 */
export interface CallDepth {
  /** Returns the header's value for requests of an invocation at this depth. */
  sign(depth: number): string;
  /** Returns the depth of the invocation that a request causes; 0 without a valid header. */
  read(header: string | string[] | undefined): number;
}

export async function openCallDepth(settings: SettingStore): Promise<CallDepth> {
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

interface Headed {
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Returns the depth of a message that a request publishes. Beyond the limit, it fires no trigger.
 */
export function depthOfMessage(depths: Pick<CallDepth, 'read'>, request: Headed): number {
  return Math.max(FIRST_DEPTH, depths.read(request.headers[DEPTH_HEADER]));
}

/**
 * Returns the depth of the invocation that a request causes. Throws `loop_detected` if it exceeds
 * the limit.
 */
export function depthOfRequest(depths: Pick<CallDepth, 'read'>, request: Headed): number {
  const depth = depths.read(request.headers[DEPTH_HEADER]);
  assertDepth(depth);
  return depth;
}

/**
 * Throws `loop_detected` if the depth exceeds the limit, which is the same for chains of calls and
 * of triggers.
 */
function assertDepth(depth: number): void {
  if (depth <= MAX_TRIGGER_DEPTH) return;
  throw new AppError(
    'loop_detected',
    `This call comes from an invocation at the trigger depth of ${MAX_TRIGGER_DEPTH}, which causes no further ones; look for a function that calls itself, also by way of others.`,
  );
}
