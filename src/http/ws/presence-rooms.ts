import type { PresenceEvent } from '../../contract/http/pubsub.js';
import type { Namespace } from '../../contract/ids.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Presence, PresenceMember } from '../../ports/presence.js';

/**
 * How often the list is looked at, as a part of the lease: with the lease before it, a member whose
 * process died is told gone within 30 s.
 */
const LOOKS_PER_LEASE = 5;
/**
 * After the list was away the living have not renewed their leases yet: who is missing may be there
 * all the same.
 */
const SETTLE_MS = 10_000;

type Listener = (event: PresenceEvent) => void;

/**
 * Tells the members that this process holds who comes to and goes from their topics, each once.
 * Comings and goings are told over the bus by the process they happen in; of a process that died,
 * or a message that was lost, the list tells.
 */
export interface PresenceRooms {
  /** Resolves once nothing is missed any more; the result leaves again. */
  enter(namespace: Namespace, topic: string, listener: Listener): Promise<Unsubscribe>;
  tell(
    type: PresenceEvent['type'],
    namespace: Namespace,
    topic: string,
    member: PresenceMember,
  ): Promise<void>;
}

interface Room {
  listeners: Set<Listener>;
  opened: Promise<() => Promise<void>>;
}

export function createPresenceRooms({ bus, presence }: { bus: Bus; presence: Presence }): PresenceRooms {
  const rooms = new Map<string, Room>();

  const open = async (namespace: Namespace, topic: string, listeners: ReadonlySet<Listener>) => {
    const known = new Map<string, unknown>();
    /** Told of while a look at the list is under way, which is older than they are. */
    let justTold = new Set<string>();
    let lookAfter = 0;

    const hear = (event: PresenceEvent) => {
      const { type, member_id: id, meta } = event;
      justTold.add(id);
      const isNews = (type === 'presence.join') !== known.has(id);
      if (type === 'presence.join') known.set(id, meta);
      else known.delete(id);
      if (isNews) for (const listener of [...listeners]) listener(event);
    };
    const look = async () => {
      if (performance.now() < lookAfter) return;
      justTold = new Set();
      const list = await presence.members(namespace, topic);
      const there = new Set(list.map(({ member_id }) => member_id));
      const gone = [...known].filter(([id]) => !there.has(id) && !justTold.has(id));
      const come = list.filter(({ member_id: id }) => !known.has(id) && !justTold.has(id));
      const timestamp = Date.now();
      for (const [member_id, meta] of gone) hear({ type: 'presence.leave', member_id, meta, timestamp });
      for (const { member_id, meta } of come) hear({ type: 'presence.join', member_id, meta, timestamp });
    };
    const settle = () => {
      lookAfter = performance.now() + SETTLE_MS;
    };

    const unsubscribe = await bus.subscribe(channelOf(namespace, topic), (message) =>
      hear(JSON.parse(message) as PresenceEvent),
    );
    try {
      for (const { member_id, meta } of await presence.members(namespace, topic)) known.set(member_id, meta);
    } catch (error) {
      await unsubscribe();
      throw error;
    }
    const forgetGaps = bus.onGap(settle);
    const looks = setInterval(() => void look().catch(settle), presence.leaseMs / LOOKS_PER_LEASE);
    return async () => {
      clearInterval(looks);
      await forgetGaps();
      await unsubscribe();
    };
  };

  return {
    async enter(namespace, topic, listener) {
      const key = channelOf(namespace, topic);
      let room = rooms.get(key);
      if (!room) {
        const listeners = new Set<Listener>();
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

    async tell(type, namespace, topic, { member_id, meta }) {
      const event: PresenceEvent = { type, member_id, meta, timestamp: Date.now() };
      await bus.publish(channelOf(namespace, topic), JSON.stringify(event));
    },
  };
}

/**
 * Joins and leaves go apart from messages: not every subscriber wants them. A namespace holds no
 * colon.
 */
function channelOf(namespace: Namespace, topic: string): string {
  return `presence:${namespace}:${topic}`;
}
