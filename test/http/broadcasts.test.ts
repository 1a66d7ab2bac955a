import test, { type ExecutionContext } from 'ava';
import type { WebSocket } from 'ws';
import { Audience, Broadcasts } from '../../src/http/ws/broadcasts.js';
import { aNamespace } from '../helpers/attempt.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

/** A listener that takes a tenth of a millisecond for each frame, and notes them. */
function aListener() {
  const frames: string[] = [];
  const listener = {
    frames,
    isDisconnected: false,
    take(frame: string) {
      const end = performance.now() + 0.1;
      while (performance.now() < end);
      frames.push(frame);
    },
    disconnect() {
      listener.isDisconnected = true;
    },
  };
  return listener;
}

/** Returns the listeners of a topic in a namespace of its own. */
function anAudience(size: number) {
  const audience = new Audience<ReturnType<typeof aListener>>(aNamespace());
  for (let n = 0; n < size; n += 1) audience.listeners.add(aListener());
  return audience;
}

function broadcastsOf(t: ExecutionContext, limits?: { all: number; each: number }) {
  const broadcasts = new Broadcasts((error) => t.fail(String(error)), limits);
  return (audience: ReturnType<typeof anAudience>, frame: string, bytes = 1) =>
    broadcasts.send(audience, bytes, (listener) => listener.take(frame));
}

test('frames arrive in order, and those of another namespace are not behind hundreds of one', async (t) => {
  const send = broadcastsOf(t);
  const [many, few] = [anAudience(20), anAudience(1)];
  for (let n = 0; n < 300; n += 1) send(many, `${n}`);
  send(few, 'other');
  const [first] = many.listeners;
  const [other] = few.listeners;
  await until('the other frame arrives', () => other?.frames.length === 1);
  t.true((first?.frames.length ?? 0) < 150, `after ${first?.frames.length}`);
  await until('all frames arrive', () => first?.frames.length === 300);
  t.deepEqual(
    first?.frames,
    Array.from({ length: 300 }, (_, n) => `${n}`),
  );
});

test('the listeners of a topic whose frames exceed the memory are disconnected, and no others', async (t) => {
  const send = broadcastsOf(t, { all: 20_000, each: 5000 });
  const [many, few] = [anAudience(50), anAudience(1)];
  for (let n = 0; n < 8; n += 1) send(many, `${n}`, 1000);
  send(few, 'other', 1000);
  const [first] = many.listeners;
  const [other] = few.listeners;
  await until('all are disconnected', () => [...many.listeners].every((one) => one.isDisconnected));
  t.deepEqual(first?.frames, ['0', '1', '2']);
  await until('the other frame arrives', () => other?.frames.length === 1);
  t.false(other?.isDisconnected);
  send(many, 'again', 1000);
  await until('frames are sent again', () => first?.frames.at(-1) === 'again');
});

test('a batch of messages to many subscribers does not block the calls of another namespace', async (t) => {
  const { url } = await engine();
  const [hostile, other] = [await aTenant(await engine()), await aTenant(await engine())];
  const clients: WebSocket[] = [];
  for (let n = 0; n < 6; n += 1) {
    const some = Array.from({ length: 50 }, () =>
      connect(url, '/v1/pubsub/ws?topic=all', { 'x-api-key': hostile.key }),
    );
    clients.push(...(await Promise.all(some)).map(({ ws }) => ws));
  }
  t.teardown(() => {
    for (const client of clients) client.terminate();
  });
  // The clients of this process must not read while it measures.
  for (const client of clients) client.pause();
  const messages = Array.from({ length: 1000 }, (_, n) => ({ topic: 'all', data: n }));
  const published = hostile.post('/v1/pubsub/publish/batch', { messages });
  let longest = 0;
  for (const end = Date.now() + 3000; Date.now() < end; ) {
    const startedAt = performance.now();
    t.is((await other.get('/v1/auth/whoami')).status, 200);
    longest = Math.max(longest, performance.now() - startedAt);
  }
  t.is((await published).status, 200);
  t.log(`${longest.toFixed(0)} ms`);
  t.true(longest < 2500, `${longest} ms`);
});
