import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { newRequestId } from '../../src/core/invocations/job.js';
import type { Invocation, QueuedInvocation } from '../../src/ports/queue.js';

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
