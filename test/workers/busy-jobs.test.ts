import test from 'ava';
import type { Invocation } from '../../src/ports/queue.js';
import { BusyJobs } from '../../workers/delivery/busy-jobs.js';
import { createDeliveryHandler } from '../../workers/delivery/handler.js';
import { queued } from '../helpers/invocations.js';
import { unboundedQuotas } from '../helpers/quotas.js';

const CALL = { trigger: 'http', replyTo: 'a web process' } as const;

/** Returns what resolves with the delay of a job, in a worker where no guest may begin. */
function delaysWithout(limit: 'concurrency' | 'concurrent_guests') {
  const metadata = limit === 'concurrency' ? { concurrency: 1 } : {};
  const deps = {
    catalog: { find: async () => ({ namespace: 'default', name: 'hello', metadata }) },
    leases: { acquire: async () => null },
    quotas: unboundedQuotas({ concurrent_guests: 0 }),
    finisher: { refuse: async () => false },
    logWriter: { withdraw: () => {} },
  };
  const handler = createDeliveryHandler(deps as never);
  return async (given: Partial<Invocation> = {}, attempt = 1) => {
    const { invocation } = queued(given);
    const delivery = { invocation, attempt, crashes: 0, crashesWhileRunning: 0, redelivered: false };
    const signal = { aborted: false };
    const settlement = await handler({ ...delivery, signal, isLastAttempt: true } as never);
    if (settlement.kind !== 'later') throw new Error(`the job is ${settlement.kind}`);
    return settlement.delayMs;
  };
}

for (const limit of ['concurrency', 'concurrent_guests'] as const) {
  test(`a call that is refused for ${limit} is not due behind the events that were`, async (t) => {
    const delay = delaysWithout(limit);
    for (let event = 0; event < 2000; event++) await delay();
    t.true((await delay()) > 1000);
    t.true((await delay(CALL)) <= 100);
  });
}

test('a call beyond concurrent_guests is due as soon as it may be refused, unless its caller has gone', async (t) => {
  const delay = delaysWithout('concurrent_guests');
  const acceptedFor = (ms: number) => ({ ...CALL, acceptedAt: Date.now() - ms });
  for (let call = 0; call < 2000; call++) await delay({ ...CALL, acceptedAt: Date.now() - 6000 });
  t.true((await delay(acceptedFor(3000))) <= 2001);
  t.true((await delay(acceptedFor(6000))) > 3000);
  t.true((await delay({ acceptedAt: Date.now() - 3000 })) <= 100, 'an event');
  t.true((await delay(acceptedFor(3000), 2)) > 3000, 'a retry');
});

test('a refused call keeps one place from events until it begins, or is 200 ms late', (t) => {
  let now = 5000;
  const busy = new BusyJobs(() => now);
  const [one, other, event] = [queued(CALL).invocation, queued(CALL).invocation, queued().invocation];
  t.is(busy.reservedFrom('a', event), 0);
  t.is(busy.refuse('a', one), 20);
  t.is(busy.refuse('a', other), 25);
  t.is(busy.refuse('a', event), 100);
  t.is(busy.reservedFrom('a', event), 2);
  t.is(busy.reservedFrom('a', one), 0, 'a call');
  t.is(busy.reservedFrom('b', event), 0, 'another function');
  now += 20;
  busy.refuse('a', one);
  t.is(busy.reservedFrom('a', event), 2, 'a call that is refused twice keeps one place');
  busy.begin('a', other);
  t.is(busy.reservedFrom('a', event), 1);
  now += 220;
  t.is(busy.reservedFrom('a', event), 1);
  now += 10;
  t.is(busy.reservedFrom('a', event), 0);
});

test('an event leaves the free places of its function to the calls that were refused before it', async (t) => {
  const limits: number[] = [];
  const deps = {
    catalog: {
      find: async () => ({ namespace: 'default', name: 'hello', metadata: { concurrency: 2 } }),
    },
    leases: {
      acquire: async (_key: string, limit: number) => {
        limits.push(limit);
        return null;
      },
    },
    quotas: unboundedQuotas(),
    finisher: { refuse: async () => false },
    logWriter: { withdraw: () => {} },
  };
  const handler = createDeliveryHandler(deps as never);
  const deliver = async (given: Partial<Invocation> = {}) => {
    const { invocation } = queued(given);
    const delivery = { invocation, attempt: 1, crashes: 0, crashesWhileRunning: 0, redelivered: false };
    t.is((await handler({ ...delivery, signal: { aborted: false } } as never)).kind, 'later');
  };
  await deliver();
  await deliver(CALL);
  await deliver();
  await deliver(CALL);
  await deliver();
  t.deepEqual(limits, [2, 2, 1, 2], 'the last event finds no place');
});
