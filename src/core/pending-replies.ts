import type { RequestId } from '../contract/ids.js';
import type { Store } from '../ports/store.js';
import { isFinalExitCode } from './final-exit-code.js';
import { attemptsUpTo } from './new-attempt.js';
import type { Reply } from './reply.js';

/**
 * The delays after which a waiting call looks into the store in case its reply was lost, in
 * milliseconds: `first`, then doubled up to `most`.
 */
export interface LookupDelays {
  readonly first: number;
  readonly most: number;
}

/** Delay of a lookup after a gap, since the end may not be in the store yet. */
const AFTER_GAP_MS = 250;

export interface PendingReply {
  reply: Promise<Reply>;
  /**
   * Stops waiting because the client has disconnected; the worker is told that no caller is
   * waiting.
   */
  abandon(): void;
}

/** The calls of this process that wait for a reply. */
export class PendingReplies {
  readonly #store: Store;
  readonly #waiters = new Map<string, Set<Waiter>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * @param endIfRemoved Called when the store has no reply yet: replies to the call if its job was
   *   removed from the queue from outside.
   */
  wait(id: RequestId, delays: LookupDelays, endIfRemoved?: () => Promise<void>): PendingReply {
    const waiter = new Waiter({
      delays,
      findReply: async () => {
        const found = await this.#findReply(id);
        // While the queue is away, the next lookup calls it again.
        if (found === null) await endIfRemoved?.().catch(() => {});
        return found;
      },
      onStop: (stopped) => this.#remove(id, stopped),
    });
    const waiting = this.#waiters.get(id);
    if (waiting) waiting.add(waiter);
    else this.#waiters.set(id, new Set([waiter]));
    return { reply: waiter.reply, abandon: () => waiter.stop() };
  }

  /** Returns whether a caller was waiting for the reply. */
  deliver(id: string, reply: Reply): boolean {
    const waiting = this.#waiters.get(id);
    if (!waiting) return false;
    for (const waiter of waiting) waiter.resolve(reply);
    return true;
  }

  /** Looks into the store for all replies: messages may have been lost. */
  lookUpAll(): void {
    for (const waiting of this.#waiters.values()) for (const waiter of waiting) waiter.lookUpSoon();
  }

  stopAll(): void {
    for (const waiting of [...this.#waiters.values()]) for (const waiter of waiting) waiter.stop();
  }

  #remove(id: string, waiter: Waiter): void {
    const waiting = this.#waiters.get(id);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiters.delete(id);
  }

  async #findReply(id: RequestId): Promise<Reply | null> {
    const stored = await this.#store.attempts.invocation(id).catch(() => null);
    const last = stored?.attempts.at(-1);
    if (!last?.final) return null;
    return {
      status: last.final.state === 'cancelled' ? 'cancelled' : last.status,
      output: last.final.output ?? new Uint8Array(),
      error: last.error,
      durationMs: last.durationMs,
      attempts: attemptsUpTo(last.attempt),
      version: last.version,
      refused: isFinalExitCode(last.exitCode),
      response: last.final.response ?? undefined,
    };
  }
}

interface WaiterOptions {
  delays: LookupDelays;
  findReply(): Promise<Reply | null>;
  onStop(waiter: Waiter): void;
}

/** One waiting call: settled by a reply, or by what it finds in the store. */
class Waiter {
  readonly reply: Promise<Reply>;
  readonly #options: WaiterOptions;
  #settle: (reply: Reply) => void = () => undefined;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: WaiterOptions) {
    this.#options = options;
    this.#delay = options.delays.first;
    this.reply = new Promise<Reply>((resolve) => {
      this.#settle = resolve;
    });
    this.#scheduleLookup();
  }

  resolve(reply: Reply): void {
    this.stop();
    this.#settle(reply);
  }

  /** Looks into the store now and again soon, in case the end is not there yet. */
  lookUpSoon(): void {
    this.#delay = AFTER_GAP_MS;
    void this.#lookUp();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#options.onStop(this);
  }

  #scheduleLookup(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#lookUp(), this.#delay).unref();
    this.#delay = Math.min(this.#delay * 2, this.#options.delays.most);
  }

  async #lookUp(): Promise<void> {
    const found = await this.#options.findReply();
    if (found) this.resolve(found);
    else if (!this.#stopped) this.#scheduleLookup();
  }
}
