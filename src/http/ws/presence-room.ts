import type { PresenceEvent } from '../../contract/http/pubsub.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { PresenceMember } from '../../ports/presence.js';

/**
 * Polls of the members' ids per lease. Together with the lease, this reports a member of a dead
 * process as gone within 30 s.
 */
const POLLS_PER_LEASE = 5;
/**
 * After an outage of the list, live members have not renewed their leases yet, so missing members
 * are not reported as gone for this time.
 */
const SETTLE_MS = 10_000;

export interface PresenceRoomOptions {
  bus: Bus;
  /** The channel on which joins and leaves of the topic are published. */
  channel: string;
  /** Reads the member list of the topic. */
  list(): Promise<PresenceMember[]>;
  /** Reads the ids of the topic's members. */
  ids(): Promise<string[]>;
  leaseMs: number;
  /** Called for each member that joins or leaves. */
  onChange(event: PresenceEvent): void;
}

/** The members of one topic, kept up to date from the bus and from the member list. */
export class PresenceRoom implements Closable {
  readonly #options: PresenceRoomOptions;
  readonly #known = new Map<string, unknown>();
  /**
   * Members whose events arrived while the list was being read, which is then older than the
   * events.
   */
  #recentlySeen = new Set<string>();
  #nextPollAt = 0;
  #isPolling = false;
  #polls: NodeJS.Timeout | undefined;
  readonly #unsubscribers: Unsubscribe[] = [];

  private constructor(options: PresenceRoomOptions) {
    this.#options = options;
  }

  /** Resolves when no event is missed any more. */
  static async open(options: PresenceRoomOptions): Promise<PresenceRoom> {
    const room = new PresenceRoom(options);
    await room.#open();
    return room;
  }

  async close(): Promise<void> {
    clearInterval(this.#polls);
    for (const unsubscribe of this.#unsubscribers.splice(0).reverse()) await unsubscribe();
  }

  async #open(): Promise<void> {
    const { bus, channel, list, leaseMs } = this.#options;
    const apply = (message: string) => this.#apply(JSON.parse(message) as PresenceEvent);
    this.#unsubscribers.push(await bus.subscribe(channel, apply));
    try {
      for (const { member_id, meta } of await list())
        if (!this.#recentlySeen.has(member_id)) this.#known.set(member_id, meta);
    } catch (error) {
      await this.close();
      throw error;
    }
    const postponePoll = () => {
      this.#nextPollAt = performance.now() + SETTLE_MS;
    };
    this.#unsubscribers.push(bus.onGap(postponePoll));
    const poll = async () => {
      if (this.#isPolling || performance.now() < this.#nextPollAt) return;
      this.#isPolling = true;
      await this.#poll().catch(postponePoll);
      this.#isPolling = false;
    };
    this.#polls = setInterval(() => void poll(), leaseMs / POLLS_PER_LEASE);
  }

  #apply(event: PresenceEvent): void {
    const { type, member_id: id, meta } = event;
    this.#recentlySeen.add(id);
    const isChange = (type === 'presence.join') !== this.#known.has(id);
    if (type === 'presence.join') this.#known.set(id, meta);
    else this.#known.delete(id);
    if (isChange) this.#options.onChange(event);
  }

  async #poll(): Promise<void> {
    this.#recentlySeen = new Set();
    const present = new Set(await this.#options.ids());
    const isNews = (id: string) => !this.#recentlySeen.has(id);
    const isNew = (id: string) => !this.#known.has(id) && isNews(id);
    // The list, with up to 4 KB of metadata per member, is needed only if a join was lost.
    const list = [...present].some(isNew) ? await this.#options.list() : [];
    const left = [...this.#known].filter(([id]) => !present.has(id) && isNews(id));
    const joined = list.filter(({ member_id: id }) => isNew(id));
    const timestamp = Date.now();
    for (const [member_id, meta] of left) {
      this.#apply({ type: 'presence.leave', member_id, meta, timestamp });
    }
    for (const { member_id, meta } of joined) {
      this.#apply({ type: 'presence.join', member_id, meta, timestamp });
    }
  }
}
