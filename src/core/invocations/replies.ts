import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace, RequestId } from '../../contract/ids.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { Store } from '../../ports/store.js';
import { subscribe } from '../bus-subscription.js';
import { type LookupDelays, PendingReplies, type PendingReply } from './pending-replies.js';
import { decodeAck, decodeReply, encodeAck, encodeReply, type Reply } from './reply.js';

/**
 * If a gateway has not acknowledged a reply within this time, the worker assumes that no caller is
 * waiting.
 */
const ACK_MS = 1000;
const WAIT_LOOKUPS: LookupDelays = { first: 5000, most: 5000 };
const WATCH_LOOKUPS: LookupDelays = { first: 50, most: 2000 };
/**
 * Delays of retries when the bus has refused a reply. The gateway may reconnect before this process
 * and would then not notice a gap.
 */
const RESEND_DELAYS_MS = [50, 100, 200, 400, 800, 1600];

/**
 * Delivers replies from workers to waiting HTTP requests: within one process by a function call,
 * between processes over the bus, with one channel per process.
 */
export interface Replies extends Closable {
  /** Address of this process, used as `replyTo` of its invocations. */
  readonly address: string;
  /** Waits for an invocation of the namespace whose `replyTo` is this process. */
  wait(namespace: Namespace, id: RequestId): PendingReply;
  /**
   * Waits for an invocation that another call, perhaps in another process, has sent, by polling the
   * store.
   */
  watch(id: RequestId): PendingReply;
  /**
   * Sends a reply. Resolves with whether a caller was waiting for it. Without `confirm`, the
   * acknowledgement of another process is not awaited.
   */
  send(replyTo: string, id: RequestId, reply: Reply, options: { confirm: boolean }): Promise<boolean>;
}

export interface RepliesOptions {
  address: string;
  bus: Bus;
  store: Store;
  /**
   * Ends an invocation with a waiting caller if its job was removed or finished by another program;
   * see `endRemoved`.
   */
  endIfRemoved?(namespace: Namespace, id: RequestId): Promise<void>;
}

export class BusReplies implements Replies {
  readonly address: string;
  readonly #bus: Bus;
  readonly #pending: PendingReplies;
  readonly #endIfRemoved: RepliesOptions['endIfRemoved'];
  /** Replies of this process whose acknowledgement is awaited, by request id. */
  readonly #unconfirmed = new Map<string, (taken: boolean) => void>();
  #unsubscribe: Unsubscribe | undefined;
  #closed = false;

  private constructor({ address, bus, store, endIfRemoved }: RepliesOptions) {
    this.address = address;
    this.#bus = bus;
    this.#pending = new PendingReplies(store);
    this.#endIfRemoved = endIfRemoved;
  }

  static async open(options: RepliesOptions): Promise<BusReplies> {
    const replies = new BusReplies(options);
    await replies.#subscribe();
    return replies;
  }

  async #subscribe(): Promise<void> {
    const handlers = {
      [`reply:${this.address}`]: (message: string) => this.#onReply(message),
      [`ack:${this.address}`]: (message: string) => this.#onAck(message),
    };
    // Replies sent while the connection was down are lost, but the store has the results.
    this.#unsubscribe = await subscribe(this.#bus, handlers, () => this.#pending.lookUpAll());
  }

  #onReply(message: string): void {
    const { id, from, reply } = decodeReply(message);
    const taken = this.#pending.deliver(id, reply);
    if (from) void this.#bus.publish(`ack:${from}`, encodeAck({ id, taken })).catch(() => undefined);
  }

  #onAck(message: string): void {
    const { id, taken } = decodeAck(message);
    this.#unconfirmed.get(id)?.(taken);
  }

  wait(namespace: Namespace, id: RequestId): PendingReply {
    return this.#pending.wait(id, WAIT_LOOKUPS, async () => this.#endIfRemoved?.(namespace, id));
  }

  watch(id: RequestId): PendingReply {
    return this.#pending.wait(id, WATCH_LOOKUPS);
  }

  async send(
    replyTo: string,
    id: RequestId,
    reply: Reply,
    { confirm }: { confirm: boolean },
  ): Promise<boolean> {
    if (replyTo === this.address) return this.#pending.deliver(id, reply);
    const channel = `reply:${replyTo}`;
    const message = encodeReply(id, reply, confirm ? this.address : undefined);
    const taken = confirm ? this.#awaitAck(id) : undefined;
    try {
      await this.#bus.publish(channel, message);
    } catch {
      // Stop once the reply has been reported as not received, so that it cannot be received
      // afterwards.
      void this.#resend(channel, message, () => confirm && !this.#unconfirmed.has(id));
      return taken ?? false;
    }
    return taken ?? true;
  }

  #awaitAck(id: string): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (taken: boolean) => {
        clearTimeout(timeout);
        this.#unconfirmed.delete(id);
        resolve(taken);
      };
      const timeout = setTimeout(() => done(false), ACK_MS);
      this.#unconfirmed.set(id, done);
    });
  }

  /**
   * Retries until the reply is sent or `isLate` returns true; the gateway then finds the result in
   * the store.
   */
  async #resend(channel: string, message: string, isLate: () => boolean): Promise<void> {
    for (const ms of RESEND_DELAYS_MS) {
      await sleep(ms, undefined, { ref: false });
      if (this.#closed || isLate()) return;
      try {
        await this.#bus.publish(channel, message);
        return;
      } catch {
        // The bus is still unreachable.
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pending.stopAll();
    await this.#unsubscribe?.();
  }
}
