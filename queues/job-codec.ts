import { isUtf8 } from 'node:buffer';
import type { JobsOptions } from 'bullmq';
import type { FunctionName, Namespace, RequestId } from '../src/contract/ids.js';
import { triggerKindSchema } from '../src/contract/invocation.js';
import type { Delivery, Invocation, QueuedInvocation } from '../src/ports/queue.js';
import { toBackoff } from './backoff.js';
import type { InvocationJob, JobData, NewJob } from './job-data.js';

function encodeInvocation(invocation: Invocation): JobData {
  const input = Buffer.from(
    invocation.input.buffer,
    invocation.input.byteOffset,
    invocation.input.byteLength,
  );
  const data: JobData = {
    n: invocation.namespace,
    f: invocation.functionId,
    v: invocation.version,
    t: invocation.trigger,
    s: input.length,
    a: invocation.acceptedAt,
    k: invocation.resultTtlMs,
  };
  if (invocation.triggerDepth !== 0) data.d = invocation.triggerDepth;
  if (invocation.callerWallet !== '') data.w = invocation.callerWallet;
  if (invocation.replyTo !== undefined) data.r = invocation.replyTo;
  if (invocation.maxAgeMs !== undefined) data.m = invocation.maxAgeMs;
  if (invocation.callbackUrl !== undefined) data.c = invocation.callbackUrl;
  if (invocation.traceparent !== undefined) data.p = invocation.traceparent;
  if (invocation.httpRequest !== undefined) data.h = invocation.httpRequest;
  if (invocation.parentId !== undefined) data.u = invocation.parentId;
  if (invocation.messageId !== undefined) data.g = invocation.messageId;
  if (isUtf8(input) && !input.includes(0)) data.i = input.toString('utf8');
  else data.b = input.toString('base64');
  return data;
}

const TEXTS = ['i', 'b', 'w', 'r', 'c', 'p', 'h', 'u', 'g'] as const;
const NUMBERS = ['d', 'm'] as const;
const TRIGGERS: ReadonlySet<unknown> = new Set(triggerKindSchema.options);

/**
 * Whether `encodeInvocation` wrote this: any program with access to the queue's server can add
 * jobs. By hand, since this runs for every job.
 */
export function isJobData(data: unknown): data is JobData {
  if (typeof data !== 'object' || data === null) return false;
  const found: Partial<Record<keyof JobData, unknown>> = data;
  return (
    typeof found.n === 'string' &&
    typeof found.f === 'string' &&
    typeof found.v === 'number' &&
    typeof found.s === 'number' &&
    typeof found.a === 'number' &&
    typeof found.k === 'number' &&
    TRIGGERS.has(found.t) &&
    TEXTS.every((key) => found[key] === undefined || typeof found[key] === 'string') &&
    NUMBERS.every((key) => found[key] === undefined || typeof found[key] === 'number')
  );
}

/** Decodes the data of a job, for which `isJobData` is true. */
export function decodeInvocation(id: string, name: string, data: JobData): Invocation {
  const invocation: Invocation = {
    id: id as RequestId,
    namespace: data.n as Namespace,
    function: name as FunctionName,
    functionId: data.f,
    version: data.v,
    trigger: data.t,
    triggerDepth: data.d ?? 0,
    callerWallet: data.w ?? '',
    input: data.b === undefined ? Buffer.from(data.i ?? '', 'utf8') : Buffer.from(data.b, 'base64'),
    acceptedAt: data.a,
    resultTtlMs: data.k,
  };
  if (data.r !== undefined) invocation.replyTo = data.r;
  if (data.m !== undefined) invocation.maxAgeMs = data.m;
  if (data.c !== undefined) invocation.callbackUrl = data.c;
  if (data.p !== undefined) invocation.traceparent = data.p;
  if (data.h !== undefined) invocation.httpRequest = data.h;
  if (data.u !== undefined) invocation.parentId = data.u as RequestId;
  if (data.g !== undefined) invocation.messageId = data.g as RequestId;
  return invocation;
}

/** Converts an invocation to a job. */
export function toJob({ invocation, attempts, backoff, delayMs, overdraft = 0 }: QueuedInvocation): NewJob {
  // Options are set only where they differ from the default, because each is packed, stored and
  // read with the job.
  const opts: JobsOptions = {};
  if (attempts > 1) {
    opts.attempts = attempts;
    opts.backoff = toBackoff(backoff);
  }
  // BullMQ rejects a negative delay and misplaces a job with a fractional one.
  if (delayMs > 0) opts.delay = Math.ceil(delayMs);
  return {
    id: invocation.id,
    name: invocation.function,
    data: encodeInvocation(invocation),
    opts,
    overdraft,
  };
}

/**
 * Returns a job as its handler gets it. Throws when the job's data cannot be decoded.
 *
 * @param run What belongs to this run of the job in this process.
 */
export function toDelivery(
  job: InvocationJob,
  run: Pick<Delivery, 'crashesWhileRunning' | 'crashStarts' | 'signal' | 'begun' | 'releaseSlot'>,
): Delivery {
  const failures = job.attemptsMade;
  const crashes = job.stalledCounter;
  const attempts = Math.max(1, job.opts.attempts ?? 1);
  return {
    invocation: decodeInvocation(job.id ?? '', job.name, job.data),
    attempt: failures + crashes + 1,
    failures,
    crashes,
    crashesWhileRunning: run.crashesWhileRunning,
    crashStarts: run.crashStarts,
    attempts,
    isLastAttempt: failures + 1 >= attempts,
    redelivered: job.attemptsStarted > failures + 1,
    signal: run.signal,
    begun: run.begun,
    releaseSlot: run.releaseSlot,
  };
}
