import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { GuestLimit, GuestLimitReached } from '../../workers/delivery/guest-limit.js';
import { closedGate } from '../helpers/gate.js';
import { unboundedQuotas } from '../helpers/quotas.js';

const ours = namespaceSchema.parse('ours');
const theirs = namespaceSchema.parse('theirs');

test('concurrent_guests limits the running guests of a namespace; ended and failed guests do not count', async (t) => {
  const guests = new GuestLimit(unboundedQuotas({ concurrent_guests: 2 }));
  const gate = closedGate();
  const running = [1, 2].map(() => guests.run(ours, 0, () => gate.opened));
  await t.throwsAsync(
    guests.run(ours, 0, async () => 'a third'),
    { instanceOf: GuestLimitReached, message: /concurrent_guests of namespace "ours".* 2 of 2/ },
  );
  t.is(await guests.run(theirs, 0, async () => "another's"), "another's");
  gate.open();
  await Promise.all(running);
  await t.throwsAsync(
    guests.run(ours, 0, () => Promise.reject(new Error('trapped'))),
    { message: 'trapped' },
  );
  t.is(await guests.run(ours, 0, async () => 'one more'), 'one more');
  t.is(await guests.run(ours, 0, () => guests.run(ours, 0, async () => 'and another')), 'and another');
});
