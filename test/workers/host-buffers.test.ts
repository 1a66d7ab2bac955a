import test from 'ava';
import { createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { Namespace } from '../../src/contract/ids.js';
import type { GuestCall, HostCaller } from '../../src/ports/engine.js';
import { budgetedHost } from '../../workers/delivery/budgeted-host.js';
import { createDeliveryHandler } from '../../workers/delivery/handler.js';
import { createHost } from '../../workers/delivery/host.js';
import { aNamespace, aRequestId } from '../helpers/attempt.js';
import { egress, server } from '../helpers/egress.js';
import { closedGate } from '../helpers/gate.js';

const never = new AbortController().signal;
const OVER = /hold 128 MB in a worker, or those of all 512 MB, which is the limit/;
const KB = 1024;

test('large arguments of waiting calls are limited by namespace, and small calls go on', async (t) => {
  const { opened, open } = closedGate();
  const waits: HostCaller = async (_name, [first]) => {
    if (first === 'fails') throw new Error('failed');
    if (first === 'waits') await opened;
    return null;
  };
  const buffers = createBufferBudget({ all: 1024 * KB, each: 512 * KB });
  const [busy, other] = [aNamespace(), aNamespace()].map((namespace) =>
    budgetedHost(waits, buffers, namespace),
  );
  const large = new Uint8Array(200 * KB);
  const set = (host: HostCaller | undefined, key: string) => host?.('cache_set', [key, large, 0], never);
  const waiting = [set(busy, 'waits'), set(busy, 'waits')];
  await t.throwsAsync(async () => set(busy, 'third'), { message: OVER });
  await t.notThrowsAsync(async () => busy?.('cache_set', ['small', new Uint8Array(60 * KB), 0], never));
  await t.notThrowsAsync(async () => set(other, 'of another namespace'));
  open();
  await Promise.all(waiting);
  // The bytes of calls that failed are released as well.
  for (let n = 0; n < 5; n++) await t.throwsAsync(async () => set(busy, 'fails'), { message: 'failed' });
  await t.notThrowsAsync(async () => set(busy, 'third'));
});

test('texts count two bytes for each character, and the arguments of a statement twice', async (t) => {
  const buffers = createBufferBudget({ all: 512 * KB, each: 512 * KB });
  const host = budgetedHost(async () => null, buffers, aNamespace());
  const query = (length: number) => host('db_query', ['', 'x'.repeat(length)], never);
  await t.notThrowsAsync(query(128 * KB));
  await t.throwsAsync(query(128 * KB + 1), { message: OVER });
  await t.notThrowsAsync(host('http_fetch', ['x'.repeat(256 * KB)], never));
});

test('a worker limits the arguments of the calls of one invocation that wait at once', async (t) => {
  const { opened, open } = closedGate();
  const queried: number[] = [];
  const reasons: string[] = [];
  const args = `["${'x'.repeat(15 << 20)}"]`;
  const databases = {
    query: async () => {
      queried.push(queried.length);
      await opened;
      return { json: '[]' };
    },
  };
  const engine = {
    run: async ({ host }: GuestCall) => {
      const calls = [1, 2, 3].map(() => host('db_query', ['select ?', args], never));
      calls[2]?.finally(open).catch(() => undefined);
      for (const { reason } of (await Promise.allSettled(calls)).filter(isRejected))
        reasons.push(String(reason));
      throw new Error('the end of this test');
    },
  };
  const span = { end: () => {} };
  const ignored = () => {};
  const handler = createDeliveryHandler({
    quotas: { limits: async () => ({ concurrent_guests: 4 }) },
    catalog: { find: async () => ({ name: 'f', timeout_seconds: 9, metadata: {} }) },
    ...{ engine, databases, tracer: { start: () => span } },
    meter: { hostCalled: ignored },
    logger: { warn: ignored, error: ignored },
    logWriter: { announce: ignored, withdraw: ignored },
  } as never);
  const invocation = { id: aRequestId(), namespace: aNamespace(), function: 'f', acceptedAt: Date.now() };
  await handler({ invocation, attempt: 1, crashes: 0, signal: never, releaseSlot: ignored } as never);
  t.is(queried.length, 2);
  t.is(reasons.length, 1);
  t.regex(reasons[0] ?? '', OVER);
});

test('bodies of started requests and replies that are not taken are limited by namespace', async (t) => {
  const buffers = createBufferBudget({ all: 1024 * KB, each: 512 * KB });
  const { opened, open } = closedGate();
  const namespace = aNamespace();
  const started = (replyBytes: number) => {
    const end = new AbortController();
    const egress = {
      check: async () => undefined,
      fetch: async () => {
        await opened;
        return { status: 200, headers: {}, body: Buffer.alloc(replyBytes, 'é') };
      },
    };
    const host = createHost({ buffers, egress, depths: { sign: () => 'depth' } } as never, {
      invocation: { namespace, triggerDepth: 0 } as never,
      function: { timeout_seconds: 9, metadata: {} } as never,
    });
    const start = (bytes: number) =>
      host.http_start('POST', 'http://x/', '', new Uint8Array(bytes), end.signal);
    const next = async () => JSON.parse(String(await host.http_next(9000, never)));
    return { start, next, end: () => end.abort() };
  };
  const first = started(150 * KB);
  t.is(await first.start(200 * KB), 1);
  t.is(await first.start(200 * KB), 2);
  await t.throwsAsync(async () => first.start(200 * KB), { message: OVER });
  t.is(await first.start(0), 3);
  open();
  const replies = [await first.next(), await first.next(), await first.next()];
  t.deepEqual(
    replies.map(({ handle, status }) => [handle, status]),
    [
      [1, 200],
      [2, 200],
      [3, 200],
    ],
  );
  t.is(replies[0].body, 'é'.repeat(75 * KB));

  // Three replies of 150 KB are held, and a fourth is not kept.
  for (let n = 0; n < 3; n++) await first.start(0);
  await new Promise((resolve) => setImmediate(resolve));
  const second = started(150 * KB);
  await second.start(0);
  t.regex((await second.next()).error, OVER);
  // What an invocation did not take is released at its end.
  first.end();
  await second.start(0);
  t.is((await second.next()).status, 200);
});

test('responses that are still arriving are limited by namespace', async (t) => {
  const { opened, open } = closedGate();
  const url = (
    await server(t, (_request, response) => {
      response.write(Buffer.alloc(200 * KB, 'x'));
      void opened.then(() => response.end());
    })
  ).url;
  const buffers = createBufferBudget({ all: 2048 * KB, each: 512 * KB });
  const deps = { buffers, egress: egress(t, { allow: ['127.0.0.1'] }), depths: { sign: () => 'depth' } };
  const hostOf = (namespace: Namespace) =>
    createHost(deps as never, {
      invocation: { namespace, triggerDepth: 0 } as never,
      function: { timeout_seconds: 60, metadata: {} } as never,
    });
  const [busy, other] = [hostOf(aNamespace()), hostOf(aNamespace())];
  const fetched = async (host: typeof busy) =>
    JSON.parse(String(await host.http_fetch('GET', url, '', new Uint8Array(), never)));
  const three = [fetched(busy), fetched(busy), fetched(busy)];
  t.regex((await Promise.race(three)).error, OVER);
  const ofOther = fetched(other);
  open();
  t.is((await ofOther).status, 200);
  t.is((await Promise.all(three)).filter(({ status }) => status === 200).length, 2);
  // Everything was released.
  const again = await Promise.all([fetched(busy), fetched(busy)]);
  t.deepEqual(
    again.map(({ body }) => body.length),
    [200 * KB, 200 * KB],
  );
});

test('the limits leave room for several namespaces', (t) => {
  t.true(HOST_CALLS.all >= 4 * HOST_CALLS.each);
});

function isRejected(one: PromiseSettledResult<unknown>): one is PromiseRejectedResult {
  return one.status === 'rejected';
}
