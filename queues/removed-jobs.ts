import type { FunctionName, Namespace, RequestId } from '../src/contract/ids.js';
import type { TriggerKind } from '../src/contract/invocation.js';
import type { RemovedInvocation } from '../src/ports/queue.js';
import { decodeInvocation, type JobData, type NewJob } from './jobs.js';

/**
 * What Redis keeps of a job beside BullMQ's keys: enough to write the end of an invocation whose
 * job somebody has removed. No part of it holds a colon or a blank.
 */
export function noteOf({ id, name, data }: Pick<NewJob, 'id' | 'name' | 'data'>): string {
  return `${id}:${data.s}:${name}:${data.v}:${data.t}:${data.d ?? 0}:${data.a}:${data.r ?? ''}`;
}

/** Null for a note of an earlier version, which had the id and the size alone. */
export function removedByNote(namespace: string, note: string): RemovedInvocation | null {
  const [id, size, name, version, trigger, depth, acceptedAt, replyTo] = note.split(':');
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

/** Of a job that was kept whole. */
export function removedByData(id: string, name: string, data: string): RemovedInvocation {
  const stored = JSON.parse(data) as JobData;
  return { invocation: decodeInvocation(id, name, stored), inputSize: stored.s, hasInput: true };
}
