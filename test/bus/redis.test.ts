import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { openBus } from '../../src/bus/open.js';
import { busConformance } from '../conformance/bus.js';
import { redisSettingConformance } from '../conformance/redis-setting.js';
import { startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

// No fsync: data need not survive the server, and it would make the suite slow.
const server = await startRedis(['--appendonly', 'no']);
test.after.always(() => server.close());

const open = (url: string) => openBus({ driver: 'redis', url });

busConformance('redis', () => open(server.url));
redisSettingConformance('redis', 'REDIS_URL', open);

test('messages published to one channel in the same event loop turn are sent as one Redis message', async (t) => {
  const bus = await open(server.url);
  const observer = new Redis(server.url);
  t.teardown(async () => {
    observer.disconnect();
    await bus.close();
  });
  let frames = 0;
  await observer.subscribe('orama:bus:batched', 'orama:bus:other');
  observer.on('message', () => {
    frames += 1;
  });
  const got: string[] = [];
  await bus.subscribe('batched', (message) => got.push(message));
  const sent = Array.from({ length: 100 }, (_, i) => `m${i}`);
  await Promise.all([...sent.map((message) => bus.publish('batched', message)), bus.publish('other', 'x')]);
  await until('all messages have arrived', () => got.length === 100 && frames >= 2);
  t.deepEqual(got, sent);
  t.is(frames, 2);
});

test('a notice does not wait longer than a moment for a subscriber that does not acknowledge it', async (t) => {
  const bus = await open(server.url);
  const frozen = new Redis(server.url);
  t.teardown(async () => {
    frozen.disconnect();
    await bus.close();
  });
  await frozen.subscribe('orama:bus:unacknowledged');
  const got: string[] = [];
  await bus.subscribe('unacknowledged', (message) => got.push(message));
  const since = performance.now();
  await bus.notify('unacknowledged', 'x');
  t.deepEqual(got, ['x']);
  t.true(performance.now() - since >= 490);
});

test('flushed messages are sent even if the event loop is then blocked', async (t) => {
  const bus = await open(server.url);
  t.teardown(() => bus.close());
  const got: string[] = [];
  await bus.subscribe('flushed', (message) => got.push(message));
  const { port } = new URL(server.url);
  const second = `const socket = require('net').connect(${port}, '127.0.0.1');
    socket.on('data', () => socket.end()).write('PUBLISH orama:bus:flushed 6:second\\r\\n');`;
  const published = bus.publish('flushed', 'first');
  await bus.flush();
  spawnSync(process.execPath, ['-e', second]);
  await published;
  await until('both messages have arrived', () => got.length === 2);
  t.deepEqual(got, ['first', 'second']);
});

test('after a Redis restart subscriptions are restored and gap handlers are called', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const bus = await open(own.url);
  const other = await open(own.url);
  t.teardown(() => Promise.all([bus.close(), other.close()]));
  const got: string[] = [];
  await bus.subscribe('a', (message) => got.push(message));
  await bus.subscribe('b', (message) => got.push(message));
  const left = await bus.subscribe('c', (message) => got.push(message));
  let gaps = 0;
  bus.onGap(() => {
    gaps += 1;
  });
  const silent = bus.onGap(() => t.fail('a removed gap handler was called'));
  await silent();
  t.is(gaps, 0);

  await own.kill();
  await t.throwsAsync(bus.publish('a', 'lost'), { code: 'unavailable' });
  await t.throwsAsync(
    bus.subscribe('d', () => {}),
    { code: 'unavailable' },
  );
  await t.throwsAsync(bus.ping(), { code: 'unavailable' });
  await left();
  await own.restart();

  await until('a gap is reported', () => gaps > 0);
  const publish = (channel: string, message: string) =>
    until('the other bus has reconnected', () => succeeds(other.publish(channel, message)));
  await publish('c', 'to nobody');
  await publish('a', 'one');
  await publish('b', 'two');
  await until('both messages have arrived', () => got.length >= 2);
  t.deepEqual(got, ['one', 'two']);
});

/** Subscribes on a server of its own, all subscriptions of which the test disconnects. */
async function subscribed(t: ExecutionContext, channel: string) {
  const own = await startRedis();
  t.teardown(() => own.close());
  const bus = await open(own.url);
  const admin = new Redis(own.url);
  t.teardown(async () => {
    admin.disconnect();
    await bus.close();
  });
  const got: string[] = [];
  await bus.subscribe(channel, (message) => got.push(message));
  let gaps = 0;
  bus.onGap(() => {
    gaps += 1;
  });
  return { bus, admin, got, gaps: () => gaps };
}

test('a subscription whose connection was closed is restored, and gap handlers are called', async (t) => {
  const { bus, admin, got, gaps } = await subscribed(t, 'cut');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await until('a gap is reported', () => gaps() > 0);
  await until('a message arrives', async () => {
    await bus.publish('cut', 'again').catch(() => {});
    return got.length > 0;
  });
  t.is(got[0], 'again');
});

test('subscriptions that Redis did not restore after a reconnection are restored later, with a gap', async (t) => {
  const { bus, admin, got, gaps } = await subscribed(t, 'late');
  await admin.call('ACL', 'SETUSER', 'default', '-subscribe');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await until('the subscription is refused', async () =>
    /cmdstat_subscribe:.*rejected_calls=[1-9]/.test(await admin.info('commandstats')),
  );
  await admin.call('ACL', 'SETUSER', 'default', '+subscribe');
  await until('a gap is reported', () => gaps() > 0);
  await bus.publish('late', 'again');
  await until('the message arrives', () => got.length > 0);
  t.deepEqual(got, ['again']);
});

test('calls fail with unavailable while Redis does not respond, and messages arrive again when it does', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const bus = await open(own.url);
  t.teardown(() => bus.close());
  const got: string[] = [];
  await bus.subscribe('frozen', (message) => got.push(message));
  own.freeze();
  await t.throwsAsync(bus.publish('frozen', 'given up'), { code: 'unavailable' });
  await t.throwsAsync(bus.ping(), { code: 'unavailable' });
  own.thaw();
  await until('a message arrives', async () => {
    await bus.publish('frozen', 'again').catch(() => {});
    return got.includes('again');
  });
  t.pass();
});

test('malformed messages published by another Redis client are ignored', async (t) => {
  const bus = await open(server.url);
  const stranger = new Redis(server.url);
  t.teardown(async () => {
    stranger.disconnect();
    await bus.close();
  });
  const got: string[] = [];
  await bus.subscribe('strange', (message) => got.push(message));
  for (const junk of ['', 'x', ':', '5:abc', '-1:', '1e1:0123456789', 'NaN:', '99999999999:a']) {
    await stranger.publish('orama:bus:strange', junk);
  }
  await bus.publish('strange', 'sound');
  await until('the message has arrived', () => got.includes('sound'));
  t.is(got.at(-1), 'sound');
});

test('close sends messages published before it, and closing again has no effect', async (t) => {
  const bus = await open(server.url);
  const other = await open(server.url);
  t.teardown(() => other.close());
  const got: string[] = [];
  await other.subscribe('last', (message) => got.push(message));
  const published = bus.publish('last', 'words');
  await bus.close();
  await bus.close();
  await t.notThrowsAsync(published);
  await until('the message has arrived', () => got.length > 0);
  t.deepEqual(got, ['words']);
});
