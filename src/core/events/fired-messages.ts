import { type FunctionVersion, topicSchema } from '../../contract/function.js';
import {
  MAX_GROUP_BYTES,
  MAX_GROUP_JOBS,
  MAX_INPUT_BYTES,
  MAX_TRIGGER_DEPTH,
  MB,
} from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { QueuedInvocation } from '../../ports/queue.js';
import { type JobRequest, jobOf, newRequestId } from '../invocations/job.js';
import type { Listeners } from './listeners.js';
import type { Message } from './message.js';

/** Messages that are accepted atomically. */
export type MessageGroup = readonly Message[];

/** A message with the jobs that it triggers. */
export interface FiredMessage {
  message: Message;
  /** Unix milliseconds. */
  at: number;
  jobs: QueuedInvocation[];
  tooDeep: boolean;
}

/**
 * Resolves with the triggered jobs. Throws for an invalid topic, and if the group exceeds a limit.
 */
export async function firedBy(
  group: MessageGroup,
  listeners: Listeners,
  resultTtlMs: number,
): Promise<FiredMessage[]> {
  const matched: { message: Message; functions: FunctionVersion[] }[] = [];
  let jobs = 0;
  for (const message of group) {
    assertTopic(message.topic);
    const functions = await listeners(message.namespace, message.topic);
    matched.push({ message, functions });
    jobs += functions.length;
    // Before the next ones, as all of them may match millions of times.
    if (group.length > 1) assertJobs(jobs, matched.length);
  }
  const fired = matched.map(({ message, functions }) => fire(message, functions, resultTtlMs));
  assertJobBytes(fired);
  return fired;
}

/**
 * Splits groups into portions that are enqueued one after another, so that not all jobs are in
 * memory at once.
 */
export function portionsOf(
  found: PromiseSettledResult<FiredMessage[]>[],
): PromiseSettledResult<FiredMessage[]>[][] {
  const portions: PromiseSettledResult<FiredMessage[]>[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const each of found) {
    const own = each.status === 'fulfilled' ? jobBytes(each.value) : 0;
    if (bytes + own > MAX_GROUP_BYTES) {
      portions.push([]);
      bytes = 0;
    }
    bytes += own;
    portions.at(-1)?.push(each);
  }
  return portions;
}

function fire(message: Message, functions: readonly FunctionVersion[], resultTtlMs: number): FiredMessage {
  const { namespace, topic, bytes, data, depth, traceparent, parentId, isOutcome } = message;
  const at = Date.now();
  const tooDeep = functions.length > 0 && depth > MAX_TRIGGER_DEPTH;
  if (functions.length === 0 || tooDeep) {
    assertEventSize(bytes.byteLength, message);
    return { message, at, jobs: [], tooDeep };
  }
  const input = Buffer.from(
    `{"topic":${JSON.stringify(topic)},"data":${data.text},"namespace":${JSON.stringify(namespace)},` +
      `"trigger_depth":${depth},"timestamp":${Math.floor(at / 1000)}}`,
  );
  assertEventSize(input.byteLength, message);
  const messageId = message.id ?? newRequestId();
  const jobs = functions.map((fn) => {
    const invocation: JobRequest = {
      id: newRequestId(),
      trigger: 'pubsub',
      triggerDepth: depth,
      callerWallet: '',
      input,
      acceptedAt: at,
      resultTtlMs,
      messageId,
    };
    if (traceparent !== undefined) invocation.traceparent = traceparent;
    if (parentId !== undefined) invocation.parentId = parentId;
    const job = jobOf(fn, invocation);
    if (isOutcome === true) job.overdraft = depth;
    return job;
  });
  return { message, at, jobs, tooDeep };
}

function assertTopic(topic: string): void {
  const parsed = topicSchema.safeParse(topic);
  if (parsed.success) return;
  throw new AppError(
    'invalid_request',
    `The topic ${JSON.stringify(topic).slice(0, 300)} is not usable: it must have 1 to 256 characters, none of them blanks or control characters.`,
  );
}

function assertEventSize(bytes: number, { name = 'The message' }: Message): void {
  if (bytes <= MAX_INPUT_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `${name} has ${bytes} bytes with its envelope; at most ${MAX_INPUT_BYTES} (1 MB) are allowed. Put larger data into storage and publish its CID.`,
  );
}

/** A group is one transaction, which must complete before the queue's timeout. */
function assertJobs(jobs: number, messages: number): void {
  if (jobs <= MAX_GROUP_JOBS) return;
  throw new AppError(
    'payload_too_large',
    `The first ${messages} messages fire ${jobs} triggers; at most ${MAX_GROUP_JOBS} are allowed at once. Send fewer messages together.`,
  );
}

/** Every job contains its own copy of the message, so a small request could exhaust memory. */
function assertJobBytes(fired: readonly FiredMessage[]): void {
  const bytes = jobBytes(fired);
  if (bytes <= MAX_GROUP_BYTES) return;
  const jobs = fired.reduce((sum, each) => sum + each.jobs.length, 0);
  const subject = fired.length === 1 ? 'The message has' : 'The messages have';
  const remedy =
    fired.length === 1
      ? 'Put larger data into storage and publish its CID.'
      : 'Send fewer messages together.';
  throw new AppError(
    'payload_too_large',
    `${subject} ${bytes} bytes, counted once for each of the ${jobs} triggers that take them; at most ${MAX_GROUP_BYTES} (${MAX_GROUP_BYTES / MB} MB) are allowed at once. ${remedy}`,
  );
}

function jobBytes(fired: readonly FiredMessage[]): number {
  let bytes = 0;
  for (const { jobs } of fired) for (const { invocation } of jobs) bytes += invocation.input.byteLength;
  return bytes;
}
