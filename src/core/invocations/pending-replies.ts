import type { RequestId } from '../../contract/ids.js';
import type { Store } from '../../ports/store.js';
import { endCodeOf, type Reply } from './reply.js';
import { isFinalExitCode } from './reply-status.js';

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

/** The calls of this process that wait for a reply. */
export class PendingReplies {
  readonly #store: Store;
  readonly #pending = new Map<string, Set<PendingReply>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * @param endIfRemoved Called when the store has no reply yet: replies to the call if its job was
   *   removed or finished by another program.
   */
  wait(id: RequestId, delays: LookupDelays, endIfRemoved?: () => Promise<void>): PendingReply {
    const pending = new PendingReply({
      delays,
      findReply: async () => {
        const found = await this.#findReply(id);
        // While the queue is away, the next lookup calls it again.
        if (found === null) await endIfRemoved?.().catch(() => {});
        return found;
      },
      onStop: (stopped) => this.#remove(id, stopped),
    });
    const waiting = this.#pending.get(id);
    if (waiting) waiting.add(pending);
    else this.#pending.set(id, new Set([pending]));
    return pending;
  }

  /** Returns whether a caller was waiting for the reply. */
  deliver(id: string, reply: Reply): boolean {
    const waiting = this.#pending.get(id);
    if (!waiting) return false;
    for (const pending of waiting) pending.resolve(reply);
    return true;
  }

  /** Looks into the store for all replies: messages may have been lost. */
  lookUpAll(): void {
    for (const waiting of this.#pending.values()) for (const pending of waiting) pending.lookUpSoon();
  }

  stopAll(): void {
    for (const waiting of [...this.#pending.values()]) for (const pending of waiting) pending.stop();
  }

  #remove(id: string, pending: PendingReply): void {
    const waiting = this.#pending.get(id);
    waiting?.delete(pending);
    if (waiting?.size === 0) this.#pending.delete(id);
  }

  async #findReply(id: RequestId): Promise<Reply | 'expired' | null> {
    const stored = await this.#store.attempts.invocation(id).catch(() => null);
    const last = stored?.attempts.at(-1);
    if (!last?.final) return null;
    // A success always has an output, which may be empty, until its time is up.
    if (last.status === 'success' && last.final.output === null) return 'expired';
    return {
      status: last.final.state === 'cancelled' ? 'cancelled' : last.status,
      output: last.final.output ?? new Uint8Array(),
      error: last.error,
      durationMs: last.durationMs,
      attempts: last.attempt,
      version: last.version,
      code: endCodeOf(last.final.reason),
      inputRefused: isFinalExitCode(last.exitCode),
      response: last.final.response ?? undefined,
    };
  }
}

interface PendingReplyOptions {
  delays: LookupDelays;
  /** `expired`: the invocation has succeeded, but its output is not kept any more. */
  findReply(): Promise<Reply | 'expired' | null>;
  onStop(pending: PendingReply): void;
}

/** One waiting call: resolved by a reply, or by what it finds in the store. */
export class PendingReply {
  /** Resolves with null if the call stops waiting. */
  readonly reply: Promise<Reply | null>;
  readonly #options: PendingReplyOptions;
  #resolve: (reply: Reply | null) => void = () => undefined;
  #delay: number;
  #lookup: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #stopped = false;
  #hasExpired = false;

  constructor(options: PendingReplyOptions) {
    this.#options = options;
    this.#delay = options.delays.first;
    this.reply = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#scheduleLookup();
  }

  /** Stops waiting after this time. Has no effect if the reply has arrived. */
  abandonAfter(waitMs: number): void {
    if (this.#stopped) return;
    this.#limit = setTimeout(() => this.abandon(), waitMs);
  }

  /**
   * Stops waiting: the time is up, the client has disconnected, or the process stops. The worker is
   * told that no caller is waiting.
   */
  abandon(): void {
    this.stop();
    this.#resolve(null);
  }

  resolve(reply: Reply): void {
    this.stop();
    this.#resolve(reply);
  }

  /** Looks into the store now and again soon, in case the end is not there yet. */
  lookUpSoon(): void {
    this.#delay = AFTER_GAP_MS;
    void this.#lookUp();
  }

  /** Ends all timers and lookups, without resolving `reply`. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#lookup);
    clearTimeout(this.#limit);
    this.#options.onStop(this);
  }

  #scheduleLookup(): void {
    clearTimeout(this.#lookup);
    this.#lookup = setTimeout(() => void this.#lookUp(), this.#delay).unref();
    this.#delay = Math.min(this.#delay * 2, this.#options.delays.most);
  }

  async #lookUp(): Promise<void> {
    const found = await this.#options.findReply();
    if (this.#stopped) return;
    if (found === null) this.#scheduleLookup();
    else if (found !== 'expired') this.resolve(found);
    else if (this.#hasExpired) this.abandon();
    else {
      // The reply itself may still be under way.
      this.#hasExpired = true;
      this.#scheduleLookup();
    }
  }
}
