import { setImmediate } from 'node:timers/promises';
import { createBufferBudget } from '../../concurrency/buffer-budget.js';
import { FairQueue } from '../../concurrency/fair-queue.js';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';

/** Time of sending before the process serves others. */
const SLICE_MS = 2;
/** Listeners between two looks at the clock. */
const LISTENERS_AT_ONCE = 16;
/** Frames that wait to be sent. At least four namespaces are needed to use all of it. */
const WAITING = { all: 128 * MB, each: 32 * MB };
/** What a waiting frame takes in memory beside its bytes. */
const ENTRY_BYTES = 400;

export interface Listener {
  /** Ends a listener that would miss frames. */
  disconnect(): void;
}

/** The listeners of one topic. */
export class Audience<L extends Listener = Listener> {
  readonly namespace: Namespace;
  readonly listeners = new Set<L>();
  /** Whether its frames exceed the memory, so that all listeners are being disconnected. */
  isOverloaded = false;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }
}

interface Broadcast {
  namespace: Namespace;
  /** Sends to the next listener. Returns false if there is none. */
  sendNext(): boolean;
  ended(): void;
}

/** Called with the error of a listener. */
type ReportError = (error: unknown) => void;

/**
 * Sends frames to all listeners of an audience, in order. A namespace may have thousands of
 * subscribers to a topic and publish a thousand messages at once, which takes minutes: namespaces
 * are served in turn, and the process does other work in between. Listeners of a topic whose frames
 * would exceed the memory are disconnected.
 */
export class Broadcasts {
  readonly #waiting = new FairQueue<Broadcast>();
  readonly #budget;
  readonly #report: ReportError;
  #isRunning = false;

  constructor(report: ReportError, limits = WAITING) {
    this.#report = report;
    this.#budget = createBufferBudget(limits);
  }

  send<L extends Listener>(audience: Audience<L>, bytes: number, send: (listener: L) => void): void {
    const { namespace, listeners } = audience;
    if (audience.isOverloaded || listeners.size === 0) return;
    const reservation = this.#budget.reserve(namespace);
    const isRefused = !reservation.take(bytes + ENTRY_BYTES);
    const call = isRefused ? (listener: L) => listener.disconnect() : send;
    if (isRefused) audience.isOverloaded = true;
    const rest = listeners.values();
    const sendNext = () => {
      const { value, done } = rest.next();
      if (done) return false;
      try {
        call(value);
      } catch (error) {
        this.#report(error);
      }
      return true;
    };
    const ended = () => {
      reservation.release();
      if (isRefused) audience.isOverloaded = false;
    };
    this.#waiting.push(namespace, { namespace, sendNext, ended });
    if (!this.#isRunning) void this.#run();
  }

  /** The first slice begins at once, as the frames of most topics need no other. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const end = performance.now() + SLICE_MS;
      for (let next = this.#waiting.shift(); next !== null; next = this.#waiting.shift()) {
        this.#sendSome(next);
        if (performance.now() >= end) break;
      }
      // Also after the last frame: those that follow in the same turn wait for the next one.
      await setImmediate();
    }
    this.#isRunning = false;
  }

  #sendSome(broadcast: Broadcast): void {
    for (let sent = 0; sent < LISTENERS_AT_ONCE; sent += 1) {
      if (broadcast.sendNext()) continue;
      broadcast.ended();
      return;
    }
    this.#waiting.requeue(broadcast.namespace, broadcast);
  }
}
