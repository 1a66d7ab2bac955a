import test from 'ava';
import type { Invocation } from '../../src/ports/queue.js';
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
