import test from 'ava';
import type { Bus } from '../../src/ports/bus.js';
import { until } from '../helpers/until.js';

/** Somewhat less than a notice waits for its subscribers, since timers may end early. */
const NOTICE_WAIT_MS = 490;

/**
 * Tests for every driver of the Bus port. `open` is called twice, for two processes of one
 * installation; a driver for a single process returns the same bus twice.
 */
export function busConformance(
  driver: string,
  open: () => Promise<Bus>,
  /** False if the two processes use different nodes of a cluster. */
  { oneServer }: { oneServer: boolean } = { oneServer: true },
): void {
  let one: Bus;
  let two: Bus;
  test.serial.before(async () => {
    one = await open();
    two = await open();
  });
  test.serial.after.always(async () => {
    await one?.close();
    await two?.close();
  });

  /**
   * Collects the messages on the channel. After `fence`, all messages that were sent before it have
   * arrived.
   */
  async function collect(bus: Bus, channel: string) {
    const got: string[] = [];
    const stop = await bus.subscribe(channel, (message) => got.push(message));
    const fence = async (from: Bus) => {
      await from.publish(channel, 'fence');
      await until('the fence message has arrived', () => got.includes('fence'));
      return got.splice(0).filter((message) => message !== 'fence');
    };
    return { got, stop, fence };
  }

  test(`${driver}: a message reaches subscribers of its channel in every process, including the publisher's`, async (t) => {
    const here = await collect(one, 'greetings');
    const there = await collect(two, 'greetings');
    const elsewhere = await collect(two, 'greetings:2');
    await one.publish('greetings', 'hello');
    t.deepEqual(await here.fence(one), ['hello']);
    t.true(there.got.includes('hello') || (await there.fence(one)).includes('hello'));
    t.deepEqual(await elsewhere.fence(one), []);
  });

  test(`${driver}: a handler receives the channel name`, async (t) => {
    const channels: string[] = [];
    await one.subscribe('named', (_message, channel) => channels.push(channel));
    await two.publish('named', 'x');
    await until('the message has arrived', () => channels.length > 0);
    t.deepEqual(channels, ['named']);
  });

  test(`${driver}: when a notice resolves, the subscribers in every process have handled it`, async (t) => {
    const seen: string[] = [];
    const stops = await Promise.all(
      [one, two].map((bus, at) => bus.subscribe('noticed', (message) => seen.push(`${at} ${message}`))),
    );
    let prompt = 0;
    for (let n = 0; n < 50; n++) {
      const [from, other] = n % 2 ? [one, two] : [two, one];
      const since = performance.now();
      await Promise.all([from.notify('noticed', `a${n}`), other.notify('noticed', `b${n}`)]);
      // A notice waits for half a second, which may pass while a busy machine runs other processes.
      const isGivenUp = performance.now() - since >= NOTICE_WAIT_MS;
      if (!oneServer || isGivenUp) await until('all have handled both', () => seen.length === 4);
      else prompt += 1;
      t.deepEqual([...new Set(seen.splice(0))].sort(), [`0 a${n}`, `0 b${n}`, `1 a${n}`, `1 b${n}`]);
    }
    if (oneServer) t.true(prompt > 25, `only ${prompt} of 50 were acknowledged`);
    for (const stop of stops) await stop();
    await one.notify('noticed', 'to nobody');
    t.deepEqual(seen, []);
  });

  test(`${driver}: messages of one publisher keep their order`, async (t) => {
    const there = await collect(two, 'ordered');
    const sent = Array.from({ length: 2000 }, (_, i) => `m${i}`);
    for (const message of sent) void one.publish('ordered', message);
    t.deepEqual(await there.fence(one), sent);
  });

  test(`${driver}: empty, large, NUL and non-ASCII messages arrive unchanged`, async (t) => {
    const there = await collect(two, 'texts');
    const texts = [
      '',
      '0',
      '1:a',
      '12:',
      '🙂é\u0000\n"',
      '{"a":[1]}',
      'x'.repeat(2 << 20),
      '👩‍👩‍👧'.repeat(1000),
    ];
    for (const message of texts) void one.publish('texts', message);
    t.deepEqual(await there.fence(one), texts);
  });

  test(`${driver}: every subscriber of a channel receives a message, and an unsubscribed handler does not`, async (t) => {
    const staying = await collect(one, 'leaving');
    const leaving = await collect(one, 'leaving');
    await leaving.stop();
    await leaving.stop();
    await two.publish('leaving', 'after');
    t.deepEqual(await staying.fence(two), ['after']);
    t.deepEqual(leaving.got, []);
  });

  test(`${driver}: a channel can be subscribed again after its last subscriber has unsubscribed`, async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const again = await collect(two, 'again');
      await one.publish('again', `round ${round}`);
      t.deepEqual(await again.fence(one), [`round ${round}`]);
      await again.stop();
    }
  });

  test(`${driver}: subscribing while another handler unsubscribes loses no message`, async (t) => {
    const first = await collect(two, 'overlap');
    const stopping = first.stop();
    const second = await collect(two, 'overlap');
    await stopping;
    await one.publish('overlap', 'here');
    t.deepEqual(await second.fence(one), ['here']);
  });

  test(`${driver}: a handler subscribed twice is called twice, and each unsubscribe removes one subscription`, async (t) => {
    let calls = 0;
    const handler = () => {
      calls += 1;
    };
    const stop = await one.subscribe('twice', handler);
    await one.subscribe('twice', handler);
    await one.publish('twice', 'x');
    await until('both subscriptions have been called', () => calls === 2);
    await stop();
    await one.publish('twice', 'x');
    await until('the remaining subscription is called', () => calls === 3);
    t.is(calls, 3);
  });

  test(`${driver}: publishing without subscribers succeeds, and ping succeeds on a healthy bus`, async (t) => {
    await t.notThrowsAsync(one.publish('nobody', 'x'));
    await t.notThrowsAsync(two.ping());
  });
}
