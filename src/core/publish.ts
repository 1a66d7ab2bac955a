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

export function createPublisher({ catalog, queue, bus, meter, resultTtlMs }: PublisherDeps): Publisher {
  return {
    async publish({ namespace, topic, bytes, value, depth, traceparent }) {
      assertTopic(topic);
      const now = Date.now();
      const matching = (await catalog.triggers(namespace)).filter(
        ({ enabled, spec }) => enabled && 'topic' in spec && topicMatches(spec.topic, topic),
      );
      const tooDeep = matching.length > 0 && depth > MAX_TRIGGER_DEPTH;
      const jobs: QueuedInvocation[] = [];
      if (matching.length > 0 && !tooDeep) {
        const input = Buffer.from(
          JSON.stringify({
            topic,
            data: value,
            namespace,
            trigger_depth: depth,
            timestamp: Math.floor(now / 1000),
          }),
        );
        assertEventSize(input.byteLength);
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
              acceptedAt: now,
              resultTtlMs,
              ...(traceparent === undefined ? {} : { traceparent }),
            }),
          );
        }
        if (jobs.length > 0) await queue.add(jobs);
        meter.accepted('pubsub', jobs.length);
      } else {
        assertEventSize(bytes.byteLength);
      }
      const frame: z.infer<typeof liveFrameSchema> = {
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
        timestamp: now,
        topic,
      };
      // Live delivery is at most once: with the bus away the triggers have fired all the same.
      await bus.publish(topicChannel(namespace, topic), JSON.stringify(frame)).catch(() => undefined);
      return { invocations: jobs.map((job) => job.invocation.id), tooDeep };
    },
  };
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
