import { randomBytes } from 'node:crypto';
import type { FunctionName, Namespace, RequestId } from '../../src/contract/ids.js';
import type { Invocation, QueuedInvocation } from '../../src/ports/queue.js';

/** Generates a UUIDv7 like core does. */
export function newRequestId(): RequestId {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-') as RequestId;
}

export const namespace = (name: string): Namespace => name as Namespace;
export const functionName = (name: string): FunctionName => name as FunctionName;

/** Creates an invocation as publishing does, with the given fields and options. */
export function queued(
  invocation: Partial<Invocation> = {},
  options: Partial<Omit<QueuedInvocation, 'invocation'>> = {},
): QueuedInvocation {
  return {
    invocation: {
      id: newRequestId(),
      namespace: namespace('default'),
      function: functionName('hello'),
      functionId: 'f1',
      version: 1,
      trigger: 'pubsub',
      triggerDepth: 1,
      callerWallet: '',
      input: Buffer.from('{}'),
      acceptedAt: Date.now(),
      resultTtlMs: 3_600_000,
      ...invocation,
    },
    attempts: 1,
    backoff: { type: 'fixed', delayMs: 0 },
    delayMs: 0,
    ...options,
  };
}

/** Creates `count` invocations of one namespace. */
export function many(count: number, from = 'default'): QueuedInvocation[] {
  return Array.from({ length: count }, () => queued({ namespace: namespace(from) }));
}
