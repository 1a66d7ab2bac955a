import type * as z from 'zod';
import type { liveFrameSchema } from '../../contract/http/pubsub.js';
import type { Namespace } from '../../contract/ids.js';
import { isAppError } from '../../errors.js';
import type { Bus } from '../../ports/bus.js';
import type { Meter } from '../../ports/meter.js';
import type { InvocationQueue } from '../../ports/queue.js';
import type { Catalog } from '../functions/catalog.js';
import { type FiredMessage, firedBy, type MessageGroup, portionsOf } from './fired-messages.js';
import { createListeners, type Listeners } from './listeners.js';
import type { Message } from './message.js';

export interface Published {
  /** Number of triggered jobs, one per matching trigger. */
  triggered: number;
  /** True if triggers matched but the depth limit prevented them. */
  tooDeep: boolean;
}

export interface PublisherDeps {
  catalog: Catalog;
  queue: InvocationQueue;
  bus: Bus;
  meter: Meter;
  resultTtlMs: number;
}

/** Bus channel of a topic for live subscribers; its messages are live frames as JSON. */
export function topicChannel(namespace: Namespace, topic: string): string {
  return `topic:${namespace}:${topic}`;
}

/**
 * Publishes messages to triggers and live subscribers. When the promise resolves, every job is
 * durable on the queue.
 */
export class Publisher {
  readonly #queue: InvocationQueue;
  readonly #bus: Bus;
  readonly #meter: Meter;
  readonly #resultTtlMs: number;
  readonly #listenersOnce: () => Listeners;

  constructor({ catalog, queue, bus, meter, resultTtlMs }: PublisherDeps) {
    this.#queue = queue;
    this.#bus = bus;
    this.#meter = meter;
    this.#resultTtlMs = resultTtlMs;
    this.#listenersOnce = createListeners(catalog);
  }

  publish(message: Message): Promise<Published> {
    return this.publishAtomically([message]);
  }

  /** Publishes all messages or none. */
  async publishAtomically(messages: MessageGroup): Promise<Published> {
    const [outcome] = await this.#publishGroups([messages]);
    if (outcome?.status !== 'fulfilled') throw outcome?.reason;
    return outcome.value;
  }

  /**
   * Publishes several messages in order with few round trips to the queue. Each has its own
   * outcome.
   */
  publishEach(messages: readonly Message[]): Promise<PromiseSettledResult<Published>[]> {
    return this.#publishGroups(messages.map((message) => [message]));
  }

  async #publishGroups(groups: readonly MessageGroup[]): Promise<PromiseSettledResult<Published>[]> {
    const listeners = this.#listenersOnce();
    const found = await Promise.allSettled(
      groups.map((group) => firedBy(group, listeners, this.#resultTtlMs)),
    );
    const outcomes: PromiseSettledResult<Published>[] = [];
    for (const portion of portionsOf(found)) {
      // The queue and the bus both preserve order and batch the operations of one turn of the event
      // loop.
      outcomes.push(...(await Promise.allSettled(portion.map((fired) => this.#publishFired(fired)))));
    }
    return outcomes;
  }

  async #publishFired(fired: PromiseSettledResult<FiredMessage[]>): Promise<Published> {
    if (fired.status === 'rejected') throw fired.reason;
    const group = fired.value;
    await this.#enqueue(group);
    const isAccepted = group.some(({ jobs }) => jobs.length > 0);
    await Promise.all(group.map((each) => this.#publishFrame(each, isAccepted)));
    return {
      triggered: group.reduce((sum, { jobs }) => sum + jobs.length, 0),
      tooDeep: group.some(({ tooDeep }) => tooDeep),
    };
  }

  async #enqueue(group: readonly FiredMessage[]): Promise<void> {
    const all = group.flatMap(({ jobs }) => jobs);
    if (all.length === 0) return;
    for (const { message, jobs } of group) message.budget?.take(jobs.length);
    try {
      await this.#queue.add(all);
    } catch (error) {
      if (isAppError(error, 'ambiguous_write')) throw error;
      for (const { message, jobs } of group) message.budget?.refund(jobs.length);
      throw error;
    }
    this.#meter.accepted('pubsub', all.length);
  }

  /**
   * Publishes to live subscribers, at most once. If jobs were added for the message, resolves when
   * the frame has been sent to the server, before any message that is published afterwards;
   * otherwise, when the bus has accepted it.
   *
   * @param isAccepted Whether jobs of the message's group were added. Errors of the bus are then
   *   ignored, because a publisher that repeats the message would fire the triggers twice.
   */
  async #publishFrame(
    { message: { namespace, topic, bytes }, at, jobs }: FiredMessage,
    isAccepted: boolean,
  ): Promise<void> {
    const frame: z.infer<typeof liveFrameSchema> = {
      data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      timestamp: at,
      topic,
    };
    const accepted = this.#bus.publish(topicChannel(namespace, topic), JSON.stringify(frame));
    const sent = isAccepted ? accepted.catch(() => undefined) : accepted;
    await (jobs.length > 0 ? this.#bus.flush() : sent);
  }
}
