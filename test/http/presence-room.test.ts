import test from 'ava';
import { openLocalBus } from '../../src/bus/drivers/local.js';
import { PresenceRoom } from '../../src/http/ws/presence-room.js';
import type { PresenceMember } from '../../src/ports/presence.js';

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
  const listeners = new Set(
    Array.from({ length: 100 }, () => (_event: unknown, frame: string) => {
      if (frames.push(frame) === 100) isComplete();
    }),
  );
  const bus = await openLocalBus((error) => t.log(error));
  const room = await PresenceRoom.open({
    bus,
    channel: 'presence:a:b',
    list: async () => members,
    leaseMs: 50,
    listeners,
  });
  t.teardown(async () => {
    await room.close();
    await bus.close();
  });
  members.push({ member_id: 'ada', joined_at: new Date().toISOString(), meta });
  await complete;
  t.is(serialized, 1);
  t.like(JSON.parse(frames[99] ?? ''), { type: 'presence.join', member_id: 'ada', meta: 'Ada' });
});
