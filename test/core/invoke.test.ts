import { join } from 'node:path';
import test from 'ava';
import type { Reply } from '../../src/core/invocations/reply.js';
import { aName, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { GATEWAY, openUseCases, request } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));

const reply: Reply = {
  status: 'success',
  output: Buffer.from('done'),
  error: null,
  durationMs: 1,
  attempts: 1,
  version: 1,
};

test('send queues one job with the data of the request and the latest version of the function', async (t) => {
  const { deploy, invoker, queue, metered } = await useCases();
  await deploy();
  const fn = await deploy({ retry_count: 2, retry_delay_seconds: 7, metadata: { retry_backoff: 'fixed' } });
  const { id } = await invoker.send(request(fn, { callerWallet: '0x1', parentId: aRequestId() }));
  const live = await queue.get(id);
  t.is(live?.state, 'queued');
  t.like(live?.invocation, {
    id,
    namespace: fn.namespace,
    function: fn.name,
    version: fn.version,
    trigger: 'http',
    triggerDepth: 0,
    callerWallet: '0x1',
    replyTo: undefined,
  });
  t.is(Buffer.from(live?.invocation.input ?? []).toString(), '{"n":1}');
  t.deepEqual(metered[0], ['accepted', 'http', 1]);
});

test('a call resolves with its reply, and its job names the gateway that waits for the reply', async (t) => {
  const { deploy, invoker, queue, replies } = await useCases();
  const fn = await deploy();
  const called = invoker.call(request(fn), {
    waitMs: 60_000,
    async onAccepted(id) {
      t.is((await queue.get(id))?.invocation.replyTo, GATEWAY);
      t.true(await replies.send(GATEWAY, id, reply, { confirm: true }));
    },
  });
  t.is(Buffer.from((await called).reply?.output ?? []).toString(), 'done');
});

test('a call that times out has no reply, and its job stays on the queue', async (t) => {
  const { deploy, invoker, queue } = await useCases();
  const { id, reply: none } = await invoker.call(request(await deploy()), { waitMs: 1 });
  t.is(none, null);
  t.is((await queue.get(id))?.state, 'queued');
});

test('a client that disconnects ends its call without a reply, and the disconnect handler is removed', async (t) => {
  const { deploy, invoker, replies } = await useCases();
  let isWatched = false;
  const { id, reply: none } = await invoker.call(request(await deploy()), {
    waitMs: 60_000,
    onDisconnect(giveUp) {
      isWatched = true;
      giveUp();
      return () => {
        isWatched = false;
      };
    },
  });
  t.is(none, null);
  t.false(isWatched);
  t.false(await replies.send(GATEWAY, id, reply, { confirm: true }), 'no caller waits for the reply');
});

test('an unknown function and an input over 1 MB are rejected, and nothing is queued', async (t) => {
  const { deploy, invoker, queue } = await useCases();
  const fn = await deploy();
  await t.throwsAsync(invoker.send(request(fn, { function: aName('absent') })), {
    code: 'function_not_found',
  });
  const input = new Uint8Array((1 << 20) + 1);
  await t.throwsAsync(invoker.send(request(fn, { input })), {
    code: 'payload_too_large',
    message: /has 1048577 bytes; at most 1048576/,
  });
  t.is((await queue.use(fn.namespace)).waiting, 0);
});

test('a callback to a private address is rejected, and nothing is queued', async (t) => {
  const { deploy, invoker, queue } = await useCases();
  const fn = await deploy();
  await t.throwsAsync(invoker.send(request(fn, { callbackUrl: 'http://127.0.0.1/' })), {
    code: 'egress_refused',
  });
  t.is((await queue.use(fn.namespace)).waiting, 0);
});

test('release ends waiting calls without a reply, and later calls return without a reply', async (t) => {
  const ending = await openUseCases(join(directory, 'ending'));
  t.teardown(ending.close);
  const fn = await ending.deploy();
  const waiting = ending.invoker.call(request(fn), {
    waitMs: 60_000,
    onAccepted: () => setImmediate(() => ending.invoker.release()),
  });
  t.is((await waiting).reply, null);
  t.is((await ending.invoker.call(request(fn), { waitMs: 60_000 })).reply, null);
});
