import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Closable } from '../../ports/closable.js';
import type { OwnedMember, Presence, PresenceMember } from '../../ports/presence.js';
import type { PresenceRooms } from './presence-rooms.js';
import type { FrameListener, TopicRooms } from './topic-rooms.js';

/** Renewals per lease, so that two may be lost. */
const RENEWALS_PER_LEASE = 3;

export interface Subscriber {
  namespace: Namespace;
  topic: string;
  connectionId: string;
  /** Null for a subscriber without presence, which receives no presence events either. */
  member: OwnedMember | null;
}

/**
 * The subscription of a live subscriber. Messages that arrive before `deliverTo` is called are
 * buffered in order.
 */
export interface TopicSubscription extends Closable {
  deliverTo(target: FrameListener): void;
}

/** Resolves when messages are received and, for a member, when others have been notified of it. */
export async function subscribeTopic(
  { presence, topics, rooms }: { presence: Presence; topics: TopicRooms; rooms: PresenceRooms },
  { namespace, topic, connectionId, member }: Subscriber,
): Promise<TopicSubscription> {
  const early: ((target: FrameListener) => void)[] = [];
  let deliver = (call: (target: FrameListener) => void): void => void early.push(call);
  const send = (frame: string) => deliver((target) => target.send(frame));
  const disconnect = () => deliver((target) => target.disconnect());
  const closers: (() => Promise<void>)[] = [];
  let closed: Promise<void> | undefined;

  const renew = () => presence.touch(namespace, topic, connectionId, member);
  const isPresent = ({ member_id: id }: PresenceMember) => presence.isMember(namespace, topic, id);
  const close = async () => {
    for (const undo of closers.splice(0).reverse()) await undo().catch(() => undefined);
    await presence.leave(namespace, topic, connectionId);
    // A member with several connections leaves with the last one.
    if (member && !(await isPresent(member))) await rooms.publish('presence.leave', namespace, topic, member);
  };

  try {
    closers.push(await topics.enter(namespace, topic, { send, disconnect }));
    if (member) {
      closers.push(
        await rooms.enter(namespace, topic, {
          onEvent(event, frame) {
            // A member is not notified of itself.
            if (event.member_id !== member.member_id) send(frame);
          },
          disconnect,
        }),
      );
    }
    const isNew = member !== null && !(await isPresent(member));
    if (!(await renew())) {
      throw new AppError(
        'conflict',
        `Another credential is on this topic as member ${JSON.stringify(member?.member_id)}; choose another member_id.`,
      );
    }
    const timer = setInterval(
      () => void renew().catch(() => undefined),
      presence.leaseMs / RENEWALS_PER_LEASE,
    );
    closers.push(async () => clearInterval(timer));
    if (member && isNew) await rooms.publish('presence.join', namespace, topic, member);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }

  return {
    deliverTo(target) {
      for (const call of early.splice(0)) call(target);
      deliver = (call) => call(target);
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}
