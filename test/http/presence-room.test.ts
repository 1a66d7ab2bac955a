import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openLocalBus } from '../../src/bus/drivers/local.js';
import { createLargeReplies } from '../../src/http/response/large-replies.js';
import { Broadcasts } from '../../src/http/ws/broadcasts.js';
import { PresenceRoom } from '../../src/http/ws/presence-room.js';
import { createPresenceRooms } from '../../src/http/ws/presence-rooms.js';
import { TopicRooms } from '../../src/http/ws/topic-rooms.js';
import { subscribeTopic } from '../../src/http/ws/topic-subscription.js';
import type { Presence, PresenceMember } from '../../src/ports/presence.js';
import { openLocalPresence } from '../../src/presence/drivers/local.js';
import { aNamespace } from '../helpers/attempt.js';
import { until } from '../helpers/until.js';

test('an event is made into JSON text once, however many listeners a room has', async (t) => {
  let serialized = 0;
  const meta = {
    toJSON() {
      serialized += 1;
      return 'Ada';
    },
  };
  const members: PresenceMember[] = [];
  const frames: string[] = [];
  let isComplete = () => {};
  const complete = new Promise<void>((resolve) => {
    isComplete = resolve;
  });
  const bus = await openLocalBus((error) => t.log(error));
  t.teardown(() => bus.close());
  const presence = {
    ...(await openLocalPresence({ leaseMs: 50 })),
    members: async () => members,
    memberIds: async () => members.map(({ member_id }) => member_id),
  };
  const broadcasts = new Broadcasts((error) => t.fail(String(error)));
  const rooms = createPresenceRooms({ bus, presence, broadcasts, largeReplies: createLargeReplies() });
  const namespace = aNamespace();
  for (let n = 0; n < 100; n += 1) {
    const leave = await rooms.enter(namespace, 'topic', {
      onEvent(_event, frame) {
        if (frames.push(frame) === 100) isComplete();
      },
      disconnect: () => t.fail(),
    });
    t.teardown(leave);
  }
  members.push({ member_id: 'ada', joined_at: new Date().toISOString(), meta });
  await complete;
  t.is(serialized, 1);
  t.like(JSON.parse(frames[99] ?? ''), { type: 'presence.join', member_id: 'ada', meta: 'Ada' });
});

/** Opens a room whose first list is read while `during` happens on its bus. */
async function roomWith(
  t: ExecutionContext,
  listed: PresenceMember[],
  during: (publish: (type: string) => Promise<void>) => Promise<void>,
) {
  const channel = 'presence:a:b';
  const bus = await openLocalBus((error) => t.log(error));
  const events: string[] = [];
  const onChange = ({ type }: { type: string }) => void events.push(type);
  const publish = async (type: string) => {
    await bus.publish(channel, JSON.stringify({ type, member_id: 'ada', meta: 'Ada', timestamp: 0 }));
    await until(`${type} arrives`, () => events.includes(type));
  };
  const list = async () => {
    await during(publish);
    return listed;
  };
  const ids = async () => listed.map(({ member_id }) => member_id);
  const room = await PresenceRoom.open({ bus, channel, list, ids, leaseMs: 60_000, onChange });
  t.teardown(async () => {
    await room.close();
    await bus.close();
  });
  return { events, publish };
}

test('a member that leaves while the first list is read is not present', async (t) => {
  const ada = { member_id: 'ada', joined_at: new Date().toISOString(), meta: 'Ada' };
  const { events, publish } = await roomWith(t, [ada], async (publish) => {
    // The list was made before both.
    await publish('presence.join');
    await publish('presence.leave');
  });
  events.length = 0;
  await publish('presence.join');
  t.deepEqual(events, ['presence.join']);
});

test('ids that are read for longer than the interval of polls are not read twice at once', async (t) => {
  const bus = await openLocalBus((error) => t.log(error));
  let [reading, most, polls] = [0, 0, 0];
  const ids = async () => {
    most = Math.max(most, ++reading);
    polls++;
    await sleep(60);
    reading--;
    return [];
  };
  const room = await PresenceRoom.open({
    ...{ bus, channel: 'presence:a:b', list: async () => [], ids, leaseMs: 50 },
    onChange: () => undefined,
  });
  t.teardown(async () => {
    await room.close();
    await bus.close();
  });
  await until('the ids were read several times', () => polls > 2);
  t.is(most, 1);
});

test('polls read the list of members only when a member has joined whose event was lost', async (t) => {
  const bus = await openLocalBus((error) => t.log(error));
  const members: PresenceMember[] = [];
  const join = (id: string) =>
    members.push({ member_id: id, joined_at: '2026-01-01T00:00:00.000Z', meta: `of ${id}` });
  let [lists, polls] = [0, 0];
  const events: string[] = [];
  join('ada');
  const room = await PresenceRoom.open({
    ...{ bus, channel: 'presence:a:b', leaseMs: 50 },
    async list() {
      lists++;
      return [...members];
    },
    async ids() {
      polls++;
      return members.map(({ member_id }) => member_id);
    },
    onChange: ({ type, member_id: id, meta }) => void events.push(`${type} ${id} ${meta}`),
  });
  t.teardown(async () => {
    await room.close();
    await bus.close();
  });
  const severalPolls = async () => {
    const before = polls;
    await until('the ids were read again', () => polls > before + 3);
  };
  await severalPolls();
  t.is(lists, 1, 'the one of `open`');
  members.pop();
  await severalPolls();
  t.deepEqual(events.splice(0), ['presence.leave ada of ada']);
  t.is(lists, 1);
  join('bob');
  await severalPolls();
  t.deepEqual(events, ['presence.join bob of bob']);
  t.is(lists, 2);
});

test('joining and leaving a topic does not read its other members', async (t) => {
  const bus = await openLocalBus((error) => t.log(error));
  const local = await openLocalPresence({ leaseMs: 60_000 });
  t.teardown(() => Promise.all([bus.close(), local.close()]));
  let lists = 0;
  const presence: Presence = {
    ...local,
    members(...args) {
      lists++;
      return local.members(...args);
    },
  };
  const broadcasts = new Broadcasts((error) => t.fail(String(error)));
  const rooms = createPresenceRooms({ bus, presence, broadcasts, largeReplies: createLargeReplies() });
  const topics = new TopicRooms({ bus, broadcasts });
  const namespace = aNamespace();
  const subscribe = (id: string, connectionId: string) =>
    subscribeTopic(
      { presence, topics, rooms },
      {
        ...{ namespace, topic: 'room', connectionId },
        member: { member_id: id, joined_at: '2026-01-01T00:00:00.000Z', meta: null, owner: 'key:1' },
      },
    );
  const events: string[] = [];
  const first = await subscribe('ann', 'c0');
  first.deliverTo({ send: (frame) => void events.push(frame), disconnect: () => t.fail() });
  const afterOpen = lists;
  for (let n = 1; n <= 10; n += 1) {
    const tabs = [await subscribe('bob', `c${n}`), await subscribe('bob', `d${n}`)];
    for (const tab of tabs) await tab.close();
  }
  t.is(lists, afterOpen);
  await until('bob has joined and left ten times', () => events.length === 20);
  await first.close();
});
