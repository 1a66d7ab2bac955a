import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { GuestLimit } from '../../workers/delivery/guest-limit.js';
import { closedGate } from '../helpers/gate.js';
import { unboundedQuotas } from '../helpers/quotas.js';

const ours = namespaceSchema.parse('ours');
const theirs = namespaceSchema.parse('theirs');

test('concurrent_guests limits the running guests of a namespace; ended and failed guests do not count', async (t) => {
  const guests = new GuestLimit(unboundedQuotas({ concurrent_guests: 2 }));
  const gate = closedGate();
  const running = [1, 2].map(() => guests.run(ours, () => gate.opened));
  t.is(await guests.run(ours, async () => 'a third'), null);
  t.is(await guests.run(theirs, async () => "another's"), "another's");
  gate.open();
  await Promise.all(running);
  await t.throwsAsync(
    guests.run(ours, () => Promise.reject(new Error('trapped'))),
    { message: 'trapped' },
  );
  t.is(await guests.run(ours, async () => 'one more'), 'one more');
  t.is(await guests.run(ours, () => guests.run(ours, async () => 'and another')), 'and another');
});
