import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';

/** At least four namespaces are needed to use all of it. */
const NAMESPACE_BYTES = 128 * MB;
const ALL_BYTES = 512 * MB;

/** A socket with the number of bytes that its client has not read. */
export interface Receiver {
  readonly namespace: Namespace;
  unsent: number;
  /** Ends the socket and drops its frames. */
  disconnect(): void;
}

/**
 * Accounts the frames of all sockets of a process that clients have not read. When the budget is
 * exhausted, the socket with the most unread bytes is disconnected; if a namespace has exhausted
 * its own budget, one of that namespace.
 */
export class UnsentFrames {
  readonly #limits: { namespace: number; all: number };
  readonly #receivers = new Map<Namespace, Set<Receiver>>();
  readonly #held = new Map<Namespace, number>();
  #all = 0;

  constructor(limits = { namespace: NAMESPACE_BYTES, all: ALL_BYTES }) {
    this.#limits = limits;
  }

  /** Makes room for a frame. Returns false if the receiver itself was disconnected. */
  take(receiver: Receiver, bytes: number): boolean {
    const { namespace } = receiver;
    for (;;) {
      const isFull = this.#heldBy(namespace) + bytes > this.#limits.namespace;
      if (!isFull && this.#all + bytes <= this.#limits.all) break;
      const slowest = this.#slowest(isFull ? [namespace] : [...this.#receivers.keys()]) ?? receiver;
      this.releaseAll(slowest);
      slowest.disconnect();
      if (slowest === receiver) return false;
    }
    receiver.unsent += bytes;
    this.#count(namespace, bytes);
    const own = this.#receivers.get(namespace) ?? new Set();
    own.add(receiver);
    this.#receivers.set(namespace, own);
    return true;
  }

  /** Reports that the client has read the bytes. */
  release(receiver: Receiver, bytes: number): void {
    const released = Math.min(bytes, receiver.unsent);
    receiver.unsent -= released;
    this.#count(receiver.namespace, -released);
    if (receiver.unsent === 0) this.#remove(receiver);
  }

  /** Reports that the socket has ended. */
  releaseAll(receiver: Receiver): void {
    this.release(receiver, receiver.unsent);
  }

  #heldBy(namespace: Namespace): number {
    return this.#held.get(namespace) ?? 0;
  }

  #count(namespace: Namespace, bytes: number): void {
    this.#all += bytes;
    const held = this.#heldBy(namespace) + bytes;
    if (held > 0) this.#held.set(namespace, held);
    else this.#held.delete(namespace);
  }

  #remove(receiver: Receiver): void {
    const own = this.#receivers.get(receiver.namespace);
    own?.delete(receiver);
    if (own?.size === 0) this.#receivers.delete(receiver.namespace);
  }

  #slowest(namespaces: readonly Namespace[]): Receiver | undefined {
    let slowest: Receiver | undefined;
    for (const namespace of namespaces) {
      for (const receiver of this.#receivers.get(namespace) ?? []) {
        if (slowest === undefined || receiver.unsent > slowest.unsent) slowest = receiver;
      }
    }
    return slowest;
  }
}
