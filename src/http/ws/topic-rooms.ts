import type { Namespace } from '../../contract/ids.js';
import { topicChannel } from '../../core/events/publish.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import { Audience, type Broadcasts, type Listener } from './broadcasts.js';

/** A live subscriber of a topic. */
export interface FrameListener extends Listener {
  send(frame: string): void;
}

interface Room {
  audience: Audience<FrameListener>;
  opened: Promise<Unsubscribe>;
}

/**
 * The subscribers of topics in this process. Those of one topic share a subscription to the bus.
 */
export class TopicRooms {
  readonly #bus: Bus;
  readonly #broadcasts: Broadcasts;
  readonly #rooms = new Map<string, Room>();

  constructor({ bus, broadcasts }: { bus: Bus; broadcasts: Broadcasts }) {
    this.#bus = bus;
    this.#broadcasts = broadcasts;
  }

  /** Resolves when no frame is missed any more; the result unsubscribes. */
  async enter(namespace: Namespace, topic: string, listener: FrameListener): Promise<Unsubscribe> {
    const channel = topicChannel(namespace, topic);
    const room = this.#rooms.get(channel) ?? this.#open(namespace, channel);
    this.#rooms.set(channel, room);
    const { listeners } = room.audience;
    listeners.add(listener);
    const leave = async () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#rooms.delete(channel);
      await (await room.opened)();
    };
    try {
      await room.opened;
    } catch (error) {
      await leave().catch(() => undefined);
      throw error;
    }
    return leave;
  }

  #open(namespace: Namespace, channel: string): Room {
    const audience = new Audience<FrameListener>(namespace);
    const opened = this.#bus.subscribe(channel, (frame) =>
      this.#broadcasts.send(audience, frame.length, (listener) => listener.send(frame)),
    );
    return { audience, opened };
  }
}
