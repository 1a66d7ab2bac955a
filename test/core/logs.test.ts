import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { openLocalBus } from '../../src/bus/drivers/local.js';
import { createLogs, type FollowRequest } from '../../src/core/observability/logs.js';
import type { Store } from '../../src/ports/store.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { until } from '../helpers/until.js';

test('many followers of a namespace read two at a time, and those of another are not behind them', async (t) => {
  const [hostile, other] = [aNamespace(), aNamespace()];
  const started: string[] = [];
  const running = new Map<string, number>();
  let most = 0;
  const attempts = {
    async logs({ namespace, after }: FollowRequest) {
      started.push(namespace);
      const now = (running.get(namespace) ?? 0) + 1;
      running.set(namespace, now);
      most = Math.max(most, now);
      for (let turns = 0; turns < 5; turns += 1) await setImmediate();
      running.set(namespace, now - 1);
      return { records: [], position: after ?? '0' };
    },
  };
  const bus = await openLocalBus((error) => t.log(error));
  const logs = createLogs({ store: { attempts } as unknown as Store, bus });
  const end = new AbortController();
  t.teardown(async () => {
    end.abort();
    await bus.close();
  });
  const follow = async (namespace: FollowRequest['namespace']) => {
    const request = { namespace, function: aName('fn'), after: '0', signal: end.signal };
    for await (const _ of logs.follow(request)) t.fail('there are no records');
  };
  for (let n = 0; n < 100; n += 1) void follow(hostile);
  void follow(other);
  await until('the other follower reads', () => started.includes(other));
  t.true(started.indexOf(other) < 10, `${started.indexOf(other)} reads before`);
  await until('all have read', () => started.length >= 101);
  t.is(most, 2);
});
