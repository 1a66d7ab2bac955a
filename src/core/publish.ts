import type { z } from 'zod';
import { type FunctionVersion, topicSchema } from '../contract/function.js';
import type { liveFrameSchema } from '../contract/http/pubsub.js';
import type { Namespace, RequestId } from '../contract/ids.js';
import {
  MAX_GROUP_BYTES,
  MAX_GROUP_JOBS,
  MAX_INPUT_BYTES,
  MAX_TRIGGER_DEPTH,
  MB,
} from '../contract/limits.js';
import { AppError } from '../errors.js';
import type { JsonText } from '../json-text.js';
import type { Bus } from '../ports/bus.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue, QueuedInvocation } from '../ports/queue.js';
import type { Catalog } from './catalog.js';
import { type JobRequest, jobOf } from './job.js';
import type { JobBudget } from './job-budget.js';
import { type Listeners, listenersOnce } from './listeners.js';
import { newRequestId } from './request-id.js';

export interface Message {
  namespace: Namespace;
  topic: string;
  /** What live subscribers get. */
  bytes: Uint8Array;
  /** What triggered functions get as `data`, to the byte. */
  data: JsonText;
  /** 1 when published over HTTP, d + 1 when published by an invocation at depth d. */
  depth: number;
  traceparent?: string;
  /** Of the invocation that publishes; what is fired counts against it. */
  budget?: JobBudget;
  /** By which the invocations that it fires are found; made here unless given. */
  id?: RequestId;
  /** The invocation that published it, or whose end it tells of. */
  parentId?: RequestId;
  /** How a refusal names it, where one of many is meant. */
  name?: string;
}

export interface Published {
  /** Jobs that it fired: one for each trigger. */
  triggered: number;
  /** True when triggers matched but the depth kept them from firing. */
  tooDeep: boolean;
}

/**
 * Fires triggers and tells live subscribers. Durable when it resolves: every job is on the queue.
 */
export interface Publisher {
  publish(message: Message): Promise<Published>;
  /** All or none: one that is refused refuses them all. */
  publishTogether(messages: readonly Message[]): Promise<Published>;
  /**
   * Several in as few round trips as the queue can do with, in their order; each has an outcome of
   * its own.
   */
  publishEach(messages: readonly Message[]): Promise<PromiseSettledResult<Published>[]>;
}

export interface PublisherDeps {
  catalog: Catalog;
  queue: InvocationQueue;
  bus: Bus;
  meter: Meter;
  resultTtlMs: number;
}

/** The bus channel that carries a namespace's topic to live subscribers: a live frame as JSON. */
export function topicChannel(namespace: Namespace, topic: string): string {
  return `topic:${namespace}:${topic}`;
}

/** Messages that are accepted whole or not at all. */
type MessageGroup = readonly Message[];

/** A message, and what it fires. */
interface Fired {
  message: Message;
  /** Milliseconds since 1970. */
  at: number;
  jobs: QueuedInvocation[];
  tooDeep: boolean;
}

export function createPublisher({ catalog, queue, bus, meter, resultTtlMs }: PublisherDeps): Publisher {
  const enqueue = async (group: readonly Fired[]): Promise<void> => {
    const jobs = group.flatMap((fired) => fired.jobs);
    if (jobs.length === 0) return;
    for (const { message, jobs } of group) message.budget?.take(jobs.length);
    try {
      await queue.add(jobs);
    } catch (error) {
      for (const { message, jobs } of group) message.budget?.giveBack(jobs.length);
      throw error;
    }
    meter.accepted('pubsub', jobs.length);
  };

  /**
   * Live delivery is at most once: with the bus away the triggers have fired all the same. Resolves
   * when what is published elsewhere from then on is heard later: it will have been to the queue's
   * server first, or else only once the bus has this one.
   */
  const tell = async ({ message: { namespace, topic, bytes }, at, jobs }: Fired): Promise<void> => {
    const frame: z.infer<typeof liveFrameSchema> = {
      data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      timestamp: at,
      topic,
    };
    const sent = bus.publish(topicChannel(namespace, topic), JSON.stringify(frame)).catch(() => undefined);
    await (jobs.length > 0 ? bus.flush() : sent);
  };

  const publishGroups = async (
    groups: readonly MessageGroup[],
  ): Promise<PromiseSettledResult<Published>[]> => {
    const listeners = listenersOnce(catalog);
    const found = await Promise.allSettled(groups.map((group) => firedBy(group, listeners, resultTtlMs)));
    const outcomes: PromiseSettledResult<Published>[] = [];
    for (const portion of portionsOf(found)) {
      // The queue and the bus each keep the order in which they are told, and gather what comes in a
      // turn.
      outcomes.push(
        ...(await Promise.allSettled(
          portion.map(async (each) => {
            if (each.status === 'rejected') throw each.reason;
            await enqueue(each.value);
            await Promise.all(each.value.map(tell));
            return {
              triggered: each.value.reduce((sum, { jobs }) => sum + jobs.length, 0),
              tooDeep: each.value.some(({ tooDeep }) => tooDeep),
            };
          }),
        )),
      );
    }
    return outcomes;
  };

  const publishTogether = async (messages: MessageGroup): Promise<Published> => {
    const [outcome] = await publishGroups([messages]);
    if (outcome?.status !== 'fulfilled') throw outcome?.reason;
    return outcome.value;
  };

  return {
    publish: (message) => publishTogether([message]),
    publishTogether,
    publishEach: (messages) => publishGroups(messages.map((message) => [message])),
  };
}

/** Refuses a topic that none can have, and what is too large: the group with its message. */
async function firedBy(group: MessageGroup, listeners: Listeners, resultTtlMs: number): Promise<Fired[]> {
  const heard: { message: Message; functions: FunctionVersion[] }[] = [];
  for (const message of group) {
    assertTopic(message.topic);
    heard.push({ message, functions: await listeners(message.namespace, message.topic) });
  }
  if (group.length > 1) assertJobs(heard.reduce((sum, { functions }) => sum + functions.length, 0));
  const fired = heard.map(({ message, functions }) => fire(message, functions, resultTtlMs));
  assertJobBytes(fired);
  return fired;
}

/** Groups that go to the queue one after the other, so that not all of their jobs are made at once. */
function portionsOf(found: PromiseSettledResult<Fired[]>[]): PromiseSettledResult<Fired[]>[][] {
  const portions: PromiseSettledResult<Fired[]>[][] = [];
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

function fire(message: Message, functions: readonly FunctionVersion[], resultTtlMs: number): Fired {
  const { namespace, topic, bytes, data, depth, traceparent, parentId } = message;
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
    return jobOf(fn, invocation);
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

/**
 * What goes together is one transaction: it must be through before its caller is told that the
 * queue is away.
 */
function assertJobs(jobs: number): void {
  if (jobs <= MAX_GROUP_JOBS) return;
  throw new AppError(
    'payload_too_large',
    `The messages fire ${jobs} triggers; at most ${MAX_GROUP_JOBS} are allowed at once. Send fewer messages together.`,
  );
}

/** Every trigger's job has its own copy of the message: a small request could fill the memory. */
function assertJobBytes(fired: readonly Fired[]): void {
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

function jobBytes(fired: readonly Fired[]): number {
  let bytes = 0;
  for (const { jobs } of fired) for (const { invocation } of jobs) bytes += invocation.input.byteLength;
  return bytes;
}
