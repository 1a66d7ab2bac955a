import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { BusReplies } from '../../src/core/invocations/replies.js';
import type { Reply } from '../../src/core/invocations/reply.js';
import { AppError } from '../../src/errors.js';
import type { Bus } from '../../src/ports/bus.js';
import { anAttempt, anEnd, aRequestId } from '../helpers/attempt.js';
import { namespace } from '../helpers/invocations.js';
import { breakable, storeAndBus } from './store-and-bus.js';

const hello: Reply = {
  status: 'success',
  output: Buffer.from('hello'),
  error: null,
  durationMs: 1,
  attempts: 1,
  version: 1,
};

/** Much shorter than the interval at which a waiter polls the store. */
const soon = <T>(reply: Promise<T>): Promise<T | 'nothing'> =>
  Promise.race([reply, sleep(4000, 'nothing' as const, { ref: false })]);

/** Creates a gateway, and a worker whose bus refuses `refusals` messages. */
async function pair(name: string, refusals: number) {
  const { store, bus } = await storeAndBus();
  const sent: string[] = [];
  const patchy: Bus = {
    ...bus,
    async publish(channel, message) {
      if (refusals-- > 0) throw new AppError('unavailable', 'The bus is unreachable.');
      sent.push(channel);
      await bus.publish(channel, message);
    },
  };
  const gateway = await BusReplies.open({ address: `${name}-gateway`, bus, store });
  const worker = await BusReplies.open({ address: `${name}-worker`, bus: patchy, store });
  return { gateway, worker, sent, close: () => Promise.all([gateway.close(), worker.close()]) };
}

for (const confirm of [false, true]) {
  test(`a reply ${confirm ? 'with' : 'without'} confirmation is sent again until the bus accepts it`, async (t) => {
    const { gateway, worker, sent, close } = await pair(`again-${confirm}`, 2);
    t.teardown(close);
    const id = aRequestId();
    const { reply } = gateway.wait(namespace('default'), id);
    t.is(await worker.send(gateway.address, id, hello, { confirm }), confirm);
    t.deepEqual(await soon(reply), {
      ...hello,
      code: undefined,
      inputRefused: undefined,
      response: undefined,
    });
    t.deepEqual(sent, [`reply:${gateway.address}`]);
  });
}

test('a reply is not sent again after its confirmation timed out', async (t) => {
  const { gateway, worker, sent, close } = await pair('late', 5);
  t.teardown(close);
  const id = aRequestId();
  const { reply } = gateway.wait(namespace('default'), id);
  t.false(await worker.send(gateway.address, id, { ...hello, status: 'error' }, { confirm: true }));
  t.is(await soon(reply), 'nothing');
  t.deepEqual(sent, []);
});

test('after a bus gap a waiter polls the store until the final state is written', async (t) => {
  const { store, bus } = await storeAndBus();
  const broken = breakable(bus);
  const gateway = await BusReplies.open({ address: 'gap-gateway', bus: broken.bus, store });
  t.teardown(() => gateway.close());
  const row = anAttempt({ final: anEnd({ output: Buffer.from('hello') }) });
  const { reply } = gateway.wait(namespace('default'), row.requestId);
  broken.gap();
  await sleep(200);
  await store.attempts.write([row]);
  const found = await soon(reply);
  t.like(found, { status: 'success', attempts: 1 });
});

test.serial('a time limit that is set after the reply has arrived leaves no timer', async (t) => {
  const { gateway, close } = await pair('early', 0);
  t.teardown(close);
  const id = aRequestId();
  const pending = gateway.wait(namespace('default'), id);
  await gateway.send(gateway.address, id, hello, { confirm: false });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  pending.abandonAfter(60_000);
  t.is(timers(), before);
  t.is(await pending.reply, hello);
});

test('a waiter whose reply was lost and whose output is not kept gets none, rather than an empty one', async (t) => {
  const { store, bus } = await storeAndBus();
  const broken = breakable(bus);
  const gateway = await BusReplies.open({ address: 'expired-gateway', bus: broken.bus, store });
  t.teardown(() => gateway.close());
  const end = anEnd({ output: Buffer.from('hello'), outputExpiresAt: Date.now() - 1 });
  const row = anAttempt({ outputSize: 5, final: end });
  const { reply } = gateway.wait(namespace('default'), row.requestId);
  await store.attempts.write([row]);
  broken.gap();
  t.is(await soon(reply), null);
});
