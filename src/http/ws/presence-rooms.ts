import type { PresenceEvent } from '../../contract/http/pubsub.js';
import type { Namespace } from '../../contract/ids.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Presence, PresenceMember } from '../../ports/presence.js';

/**
 * Polls of the member list per lease. Together with the lease, this reports a member of a dead
 * process as gone within 30 s.
 */
const POLLS_PER_LEASE = 5;
/**
 * After an outage of the list, live members have not renewed their leases yet, so missing members
 * are not reported as gone for this time.
 */
const SETTLE_MS = 10_000;

type PresenceListener = (event: PresenceEvent) => void;

/**
 * Notifies the members in this process of others that join or leave their topics, once each. Joins
 * and leaves are published on the bus by the process in which they occur; the member list covers
 * processes that died and lost messages.
 */
export interface PresenceRooms {
  /** Resolves when no event is missed any more; the result unsubscribes. */
  enter(namespace: Namespace, topic: string, listener: PresenceListener): Promise<Unsubscribe>;
  publish(
    type: PresenceEvent['type'],
    namespace: Namespace,
    topic: string,
    member: PresenceMember,
  ): Promise<void>;
}

interface Room {
  listeners: Set<PresenceListener>;
  opened: Promise<() => Promise<void>>;
}

export function createPresenceRooms({ bus, presence }: { bus: Bus; presence: Presence }): PresenceRooms {
  const rooms = new Map<string, Room>();

  const open = async (namespace: Namespace, topic: string, listeners: ReadonlySet<PresenceListener>) => {
    const known = new Map<string, unknown>();
    /**
     * Members whose events arrived while the list was being read, which is then older than the
     * events.
     */
    let recentlySeen = new Set<string>();
    let nextPollAt = 0;

    const apply = (event: PresenceEvent) => {
      const { type, member_id: id, meta } = event;
      recentlySeen.add(id);
      const isChange = (type === 'presence.join') !== known.has(id);
      if (type === 'presence.join') known.set(id, meta);
      else known.delete(id);
      if (isChange) for (const listener of [...listeners]) listener(event);
    };
    const poll = async () => {
      if (performance.now() < nextPollAt) return;
      recentlySeen = new Set();
      const list = await presence.members(namespace, topic);
      const present = new Set(list.map(({ member_id }) => member_id));
      const left = [...known].filter(([id]) => !present.has(id) && !recentlySeen.has(id));
      const joined = list.filter(({ member_id: id }) => !known.has(id) && !recentlySeen.has(id));
      const timestamp = Date.now();
      for (const [member_id, meta] of left) apply({ type: 'presence.leave', member_id, meta, timestamp });
      for (const { member_id, meta } of joined) apply({ type: 'presence.join', member_id, meta, timestamp });
    };
    const postponePoll = () => {
      nextPollAt = performance.now() + SETTLE_MS;
    };

    const unsubscribe = await bus.subscribe(channelOf(namespace, topic), (message) =>
      apply(JSON.parse(message) as PresenceEvent),
    );
    try {
      for (const { member_id, meta } of await presence.members(namespace, topic)) known.set(member_id, meta);
    } catch (error) {
      await unsubscribe();
      throw error;
    }
    const stopGapEvents = bus.onGap(postponePoll);
    const polls = setInterval(() => void poll().catch(postponePoll), presence.leaseMs / POLLS_PER_LEASE);
    return async () => {
      clearInterval(polls);
      await stopGapEvents();
      await unsubscribe();
    };
  };

  return {
    async enter(namespace, topic, listener) {
      const key = channelOf(namespace, topic);
      let room = rooms.get(key);
      if (!room) {
        const listeners = new Set<PresenceListener>();
        room = { listeners, opened: open(namespace, topic, listeners) };
        rooms.set(key, room);
      }
      const { listeners, opened } = room;
      listeners.add(listener);
      const leave = async () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        rooms.delete(key);
        const close = await opened;
        await close();
      };
      try {
        await opened;
      } catch (error) {
        await leave().catch(() => undefined);
        throw error;
      }
      return leave;
    },

    async publish(type, namespace, topic, { member_id, meta }) {
      const event: PresenceEvent = { type, member_id, meta, timestamp: Date.now() };
      await bus.publish(channelOf(namespace, topic), JSON.stringify(event));
    },
  };
}

/**
 * Joins and leaves have a channel of their own, since not every subscriber wants them. A namespace
 * contains no colon.
 */
function channelOf(namespace: Namespace, topic: string): string {
  return `presence:${namespace}:${topic}`;
}
