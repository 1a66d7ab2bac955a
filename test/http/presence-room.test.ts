import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openLocalBus } from '../../src/bus/drivers/local.js';
import { Broadcasts } from '../../src/http/ws/broadcasts.js';
import { PresenceRoom } from '../../src/http/ws/presence-room.js';
import { createPresenceRooms } from '../../src/http/ws/presence-rooms.js';
import type { PresenceMember } from '../../src/ports/presence.js';
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
  const presence = { ...(await openLocalPresence({ leaseMs: 50 })), members: async () => members };
  const broadcasts = new Broadcasts((error) => t.fail(String(error)));
  const rooms = createPresenceRooms({ bus, presence, broadcasts });
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
  const room = await PresenceRoom.open({ bus, channel, list, leaseMs: 60_000, onChange });
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

test('a list that is read for longer than the interval of polls is not read twice at once', async (t) => {
  const bus = await openLocalBus((error) => t.log(error));
  let [reading, most, lists] = [0, 0, 0];
  const list = async () => {
    most = Math.max(most, ++reading);
    // The first list is the one of `open`.
    if (++lists > 1) await sleep(60);
    reading--;
    return [];
  };
  const room = await PresenceRoom.open({
    ...{ bus, channel: 'presence:a:b', list, leaseMs: 50 },
    onChange: () => undefined,
  });
  t.teardown(async () => {
    await room.close();
    await bus.close();
  });
  await until('the list was read several times', () => lists > 3);
  t.is(most, 1);
});
