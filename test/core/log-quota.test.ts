import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { LogMessage } from '../../src/contract/invocation.js';
import { LogQuota } from '../../src/core/observability/log-quota.js';
import { AppError } from '../../src/errors.js';
import { aNamespace } from '../helpers/attempt.js';
import { closedGate } from '../helpers/gate.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { openUseCases } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));
const today = () => new Date().toISOString().slice(0, 10);

function lines(bytes: number): LogMessage[] {
  return [{ level: 'info', message: 'x'.repeat(bytes), timestamp: new Date().toISOString() }];
}

/**
 * A namespace with a quota of 1 MB, and the log quota of another process on the same store and bus.
 */
async function aQuota() {
  const { store, quotas, bus, logQuota: own } = await useCases();
  const namespace = aNamespace();
  await quotas.set(namespace, { log_mb_per_day: 1 });
  const other = await LogQuota.open({ store: store.quotas, quotas, bus });
  return { namespace, store, quotas, own, other };
}

const REFUSED = { code: 'quota_exceeded', message: /log_mb_per_day.*1 MB of 1 MB are used/ };

test('lines are kept while they fit; the first that do not fit use up the quota for the day', async (t) => {
  const { namespace, store, own, other } = await aQuota();
  t.teardown(() => other.close());
  t.deepEqual(await own.admit(namespace, []), []);
  t.is((await own.admit(namespace, lines(900_000)))[0]?.message.length, 900_000);
  await t.notThrowsAsync(own.assertCapacity(namespace));
  const [omitted] = await own.admit(namespace, lines(200_000));
  t.regex(omitted?.message ?? '', /^1 lines are left out of this log\. .*log_mb_per_day.*0\.86 MB of 1 MB/);
  await t.throwsAsync(own.assertCapacity(namespace), REFUSED);
  const [small] = await own.admit(namespace, lines(1));
  t.regex(small?.message ?? '', /left out/, 'shorter lines do not follow longer ones');
  await until('it is shared', async () => (await store.quotas.logBytes(namespace, today())) === 1 << 20);
});

test('a process that has logged nothing refuses calls as soon as another has used up the quota', async (t) => {
  const { namespace, own, other } = await aQuota();
  t.teardown(() => other.close());
  await t.notThrowsAsync(other.assertCapacity(namespace));
  await own.admit(namespace, lines(2_000_000));
  const refused = () =>
    other.assertCapacity(namespace).then(
      () => null,
      (error: Error) => error,
    );
  // Without the announcement the use of a namespace is read again after 10 s.
  const error = await until('calls are refused', refused, 9000);
  t.like(error, { code: 'quota_exceeded', status: 429 });
});

test('a process that starts later refuses the first call', async (t) => {
  const { namespace, store, quotas, own, other } = await aQuota();
  t.teardown(() => other.close());
  await own.admit(namespace, lines(2_000_000));
  await until('it is shared', async () => (await store.quotas.logBytes(namespace, today())) === 1 << 20);
  const { bus } = await useCases();
  const late = await LogQuota.open({ store: store.quotas, quotas, bus });
  t.teardown(() => late.close());
  await t.throwsAsync(late.assertCapacity(namespace), REFUSED);
  await quotas.set(namespace, { log_mb_per_day: 2 });
  await t.notThrowsAsync(late.assertCapacity(namespace));
});

test('while the store is unreachable, calls are accepted and lines are kept', async (t) => {
  const { quotas, bus } = await useCases();
  const fails = () => Promise.reject(new Error('unreachable'));
  const { store } = await useCases();
  const quota = await LogQuota.open({
    store: { ...store.quotas, logBytes: fails, addLogBytes: fails },
    quotas,
    bus,
  });
  t.teardown(() => quota.close());
  const namespace = aNamespace();
  await t.notThrowsAsync(quota.assertCapacity(namespace));
  t.is((await quota.admit(namespace, lines(10)))[0]?.message, 'x'.repeat(10));
});

test('bytes whose response was lost are not added a second time', async (t) => {
  const { store, quotas, bus } = await useCases();
  const namespace = aNamespace();
  let lost = 0;
  const quota = await LogQuota.open({
    store: {
      ...store.quotas,
      async addLogBytes(...added) {
        const total = await store.quotas.addLogBytes(...added);
        if (lost++ === 0) throw new AppError('ambiguous_write', 'The response was lost.');
        return total;
      },
    },
    quotas,
    bus,
  });
  await quotas.set(namespace, { log_mb_per_day: 1 });
  await quota.admit(namespace, lines(600_000));
  await until('the response was lost', () => lost === 1);
  await quota.admit(namespace, lines(300_000));
  await t.notThrowsAsync(quota.assertCapacity(namespace));
  await quota.close();
  const stored = await store.quotas.logBytes(namespace, today());
  t.true(stored > 900_000 && stored < 901_000, `${stored} bytes`);
});

test('a quota that is used up while others are being stored is announced afterwards', async (t) => {
  const { store, quotas, bus } = await useCases();
  const [first, second] = [aNamespace(), aNamespace()];
  for (const namespace of [first, second]) await quotas.set(namespace, { log_mb_per_day: 1 });
  const [begun, released] = [closedGate(), closedGate()];
  const quota = await LogQuota.open({
    store: {
      ...store.quotas,
      async addLogBytes(namespace, ...rest) {
        if (namespace === second) {
          begun.open();
          await released.opened;
        }
        return store.quotas.addLogBytes(namespace, ...rest);
      },
    },
    quotas,
    bus,
  });
  t.teardown(() => quota.close());
  await quota.admit(first, lines(1));
  await quota.admit(second, lines(1));
  await begun.opened;
  await quota.admit(first, lines(2_000_000));
  // The immediate sharing that this requests finds the other one in progress: its timer began
  // before this one, which is no shorter.
  await delay(1);
  released.open();
  const used = async () => (await store.quotas.logBytes(first, today())) === 1 << 20;
  // Without another request it would not be stored at all.
  await until('the rest is stored', used);
  t.pass();
});
