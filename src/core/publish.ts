import type { z } from 'zod';
import { topicSchema } from '../contract/function.js';
import type { liveFrameSchema } from '../contract/http/pubsub.js';
import { type Namespace, type RequestId, requestIdSchema } from '../contract/ids.js';
import { MAX_INPUT_BYTES, MAX_TRIGGER_DEPTH } from '../contract/limits.js';
import { AppError } from '../errors.js';
import type { Bus } from '../ports/bus.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue, QueuedInvocation } from '../ports/queue.js';
import { uuidv7 } from '../uuid.js';
import type { Catalog } from './catalog.js';
import { jobOf } from './job.js';
import { topicMatches } from './topics.js';

export interface Message {
  namespace: Namespace;
  topic: string;
  /** What live subscribers get. */
  bytes: Uint8Array;
  /** What triggered functions get as `data`. */
  value: unknown;
  /** 1 when published over HTTP, d + 1 when published by an invocation at depth d. */
  depth: number;
  traceparent?: string;
}

export interface Published {
  /** The invocations it fired. */
  invocations: RequestId[];
  /** True when triggers matched but the depth kept them from firing. */
  tooDeep: boolean;
}

/** Fires triggers and tells live subscribers. Durable when it resolves: every job is on the queue. */
export interface Publisher {
  publish(message: Message): Promise<Published>;
  /** Several in as few round trips as the queue can do with, in their order; each has an outcome of its own. */
  publishAll(messages: readonly Message[]): Promise<PromiseSettledResult<Published>[]>;
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

/** A message, and what it fires. */
interface Fired {
  message: Message;
  /** Milliseconds since 1970. */
  at: number;
  jobs: QueuedInvocation[];
  tooDeep: boolean;
}

export function createPublisher(deps: PublisherDeps): Publisher {
  const { queue, bus, meter } = deps;

  const enqueue = async (fired: Fired): Promise<Fired> => {
    if (fired.jobs.length > 0) {
      await queue.add(fired.jobs);
      meter.accepted('pubsub', fired.jobs.length);
    }
    return fired;
  };

  const tell = async ({ message: { namespace, topic, bytes }, at }: Fired): Promise<void> => {
    const frame: z.infer<typeof liveFrameSchema> = {
      data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      timestamp: at,
      topic,
    };
    // Live delivery is at most once: with the bus away the triggers have fired all the same.
    await bus.publish(topicChannel(namespace, topic), JSON.stringify(frame)).catch(() => undefined);
  };

  const publishAll = async (messages: readonly Message[]): Promise<PromiseSettledResult<Published>[]> => {
    const found = await Promise.allSettled(messages.map((message) => firedBy(deps, message)));
    // Queue and bus are told in one turn each: both keep the order, and gather what comes in a turn.
    const enqueued = await Promise.allSettled(
      found.map((each) => (each.status === 'fulfilled' ? enqueue(each.value) : Promise.reject(each.reason))),
    );
    return Promise.allSettled(
      enqueued.map(async (each) => {
        if (each.status === 'rejected') throw each.reason;
        await tell(each.value);
        const { jobs, tooDeep } = each.value;
        return { invocations: jobs.map((job) => job.invocation.id), tooDeep };
      }),
    );
  };

  return {
    publishAll,
    async publish(message) {
      const [outcome] = await publishAll([message]);
      if (outcome?.status !== 'fulfilled') throw outcome?.reason;
      return outcome.value;
    },
  };
}

/** Refuses a topic that none can have, and what is too large. */
async function firedBy({ catalog, resultTtlMs }: PublisherDeps, message: Message): Promise<Fired> {
  const { namespace, topic, bytes, value, depth, traceparent } = message;
  assertTopic(topic);
  const at = Date.now();
  const matching = (await catalog.triggers(namespace)).filter(
    ({ enabled, spec }) => enabled && 'topic' in spec && topicMatches(spec.topic, topic),
  );
  const tooDeep = matching.length > 0 && depth > MAX_TRIGGER_DEPTH;
  if (matching.length === 0 || tooDeep) {
    assertEventSize(bytes.byteLength);
    return { message, at, jobs: [], tooDeep };
  }
  const input = Buffer.from(
    JSON.stringify({
      topic,
      data: value,
      namespace,
      trigger_depth: depth,
      timestamp: Math.floor(at / 1000),
    }),
  );
  assertEventSize(input.byteLength);
  const jobs: QueuedInvocation[] = [];
  for (const trigger of matching) {
    const fn = await catalog.find(namespace, trigger.function);
    // Its function was deleted a moment ago, and the trigger with it.
    if (!fn) continue;
    jobs.push(
      jobOf(fn, {
        id: requestIdSchema.parse(uuidv7()),
        trigger: 'pubsub',
        triggerDepth: depth,
        callerWallet: '',
        input,
        acceptedAt: at,
        resultTtlMs,
        ...(traceparent === undefined ? {} : { traceparent }),
      }),
    );
  }
  return { message, at, jobs, tooDeep };
}

/** Bytes as a trigger's `data`: the JSON value they spell, else a string. */
export function dataOf(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function assertTopic(topic: string): void {
  const parsed = topicSchema.safeParse(topic);
  if (parsed.success) return;
  throw new AppError(
    'invalid_request',
    `The topic ${JSON.stringify(topic).slice(0, 300)} is not usable: it must have 1 to 256 characters, none of them blanks or control characters.`,
  );
}

function assertEventSize(bytes: number): void {
  if (bytes <= MAX_INPUT_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `The message has ${bytes} bytes with its envelope; at most ${MAX_INPUT_BYTES} (1 MB) are allowed. Put larger data into storage and publish its CID.`,
  );
}
