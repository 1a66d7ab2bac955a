import type { PresenceEvent } from '../../contract/http/pubsub.js';
import type { Namespace } from '../../contract/ids.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Presence, PresenceMember } from '../../ports/presence.js';
import type { LargeReplies } from '../response/large-replies.js';
import { Audience, type Broadcasts, type Listener } from './broadcasts.js';
import { PresenceRoom } from './presence-room.js';

/** A member that is notified of others. `frame` is the event as JSON text, the same for all. */
export interface PresenceListener extends Listener {
  onEvent(event: PresenceEvent, frame: string): void;
}

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
  audience: Audience<PresenceListener>;
  opened: Promise<PresenceRoom>;
}

export interface PresenceRoomsDeps {
  bus: Bus;
  presence: Presence;
  broadcasts: Broadcasts;
  largeReplies: Pick<LargeReplies, 'list'>;
}

export function createPresenceRooms(deps: PresenceRoomsDeps): PresenceRooms {
  const { bus, presence, broadcasts, largeReplies } = deps;
  const rooms = new Map<string, Room>();

  return {
    async enter(namespace, topic, listener) {
      const key = channelOf(namespace, topic);
      let room = rooms.get(key);
      if (!room) {
        const audience = new Audience<PresenceListener>(namespace);
        const list = () => largeReplies.list(namespace, () => presence.members(namespace, topic));
        const ids = () => presence.memberIds(namespace, topic);
        const onChange = (event: PresenceEvent) => {
          const frame = JSON.stringify(event);
          broadcasts.send(audience, frame.length, (each) => each.onEvent(event, frame));
        };
        room = {
          audience,
          opened: PresenceRoom.open({
            ...{ bus, channel: key, list, ids, onChange },
            leaseMs: presence.leaseMs,
          }),
        };
        rooms.set(key, room);
      }
      const { opened } = room;
      const { listeners } = room.audience;
      listeners.add(listener);
      const leave = async () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        rooms.delete(key);
        await (await opened).close();
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
