import type { FunctionName, Namespace, RequestId } from '../../../src/contract/ids.js';
import type { TriggerKind } from '../../../src/contract/invocation.js';
import type { RemovedInvocation } from '../../../src/ports/queue.js';
import type { NewJob } from '../../job-data.js';

/**
 * Encodes what the usage index on Redis stores of a job: enough to record the end of an invocation
 * whose job was deleted with another tool. No field contains a colon or a space.
 */
export function encodeUsageEntry({ id, name, data }: Pick<NewJob, 'id' | 'name' | 'data'>): string {
  return `${id}:${data.s}:${name}:${data.v}:${data.t}:${data.d ?? 0}:${data.a}:${data.r ?? ''}`;
}

/** Decodes such an entry. Returns null for what another program has written there. */
export function decodeUsageEntry(namespace: string, entry: string): RemovedInvocation | null {
  const [id, size, name, version, trigger, depth, acceptedAt, replyTo] = entry.split(':');
  if (id === undefined || name === undefined || trigger === undefined) return null;
  return {
    invocation: {
      id: id as RequestId,
      namespace: namespace as Namespace,
      function: name as FunctionName,
      functionId: '',
      version: Number(version),
      trigger: trigger as TriggerKind,
      triggerDepth: Number(depth),
      callerWallet: '',
      input: new Uint8Array(),
      acceptedAt: Number(acceptedAt),
      resultTtlMs: 0,
      ...(replyTo ? { replyTo } : {}),
    },
    inputSize: Number(size),
    hasInput: false,
  };
}
