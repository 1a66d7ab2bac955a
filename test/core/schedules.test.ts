import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { requestIdSchema } from '../../src/contract/ids.js';
import { Schedules } from '../../src/core/events/schedules.js';
import type { TickHandler } from '../../src/ports/queue.js';
import type { StoredTrigger } from '../../src/ports/store/triggers.js';
import { uuidOf } from '../../src/uuid.js';
import { aNamespace, anAttempt, anEnd } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { openUseCases, type UseCases } from './use-cases.js';

const directory = tempDir();
let cases: UseCases;
test.before(async () => {
  cases = await openUseCases(join(directory, 'schedules'));
});
test.after.always(() => cases.close());

test('a schedule that another process enables meanwhile is not stopped by an older state', async (t) => {
  const { store, queue, leases, catalog, meter } = cases;
  const namespace = aNamespace();
  const trigger = {
    id: 'nightly',
    namespace,
    function: 'hello',
    enabled: false,
    spec: { cron: '0 3 * * *' },
  };
  let current = trigger as StoredTrigger;
  const other = { id: 'nightly', cron: '0 3 * * *', timezone: 'UTC' };
  let asked = 0;
  const triggers = {
    ...store.triggers,
    async list() {
      asked += 1;
      const read = [current];
      if (asked === 1) {
        // The other process enables and schedules the trigger after it was read here.
        current = { ...current, enabled: true };
        await queue.schedule(other);
      }
      return read;
    },
  };
  const schedules = new Schedules({
    store: { ...store, triggers },
    queue,
    leases,
    catalog,
    meter,
    resultTtlMs: 60_000,
  });
  await schedules.sync(namespace);
  t.not(await queue.nextScheduledRun('nightly'), null);
});

test('a schedule that is deleted from the queue with another tool is restored', async (t) => {
  const { store, queue, leases, catalog, meter } = cases;
  const scheduled = (id: string, enabled: boolean) => {
    const trigger = { id, namespace: aNamespace(), function: 'hello', enabled, spec: { cron: '0 3 1 1 *' } };
    return trigger as StoredTrigger;
  };
  const triggers = {
    ...store.triggers,
    schedules: async () => [scheduled('yearly', true), scheduled('paused', false)],
  };
  const schedules = new Schedules({
    store: { ...store, triggers },
    queue,
    leases,
    catalog,
    meter,
    resultTtlMs: 60_000,
    restoreMs: 50,
  });
  const started = await schedules.start();
  t.teardown(() => started.close());
  const due = await queue.nextScheduledRun('yearly');
  t.not(due, null);
  await queue.unschedule('yearly');
  await until('the schedule is back', async () => (await queue.nextScheduledRun('yearly')) === due);
  t.is(await queue.nextScheduledRun('paused'), null);
});

test('with overlap: skip, no tick runs beside an earlier run although a later one has ended', async (t) => {
  const { store, queue, leases, catalog, meter, deploy } = cases;
  const fn = await deploy();
  const spec = { cron: '0 3 * * *', overlap: 'skip' } as const;
  const trigger = await store.triggers.add(fn.namespace, fn.name, spec, anEntry(), ENOUGH);
  if (trigger === null) return t.fail();
  const { tick, ...ticked } = ticking(queue);
  const schedules = new Schedules({ store, ...ticked, leases, catalog, meter, resultTtlMs: 60_000 });
  const started = await schedules.start();
  t.teardown(() => started.close());
  const runs = async () => (await queue.list(fn.namespace, { limit: 10 })).items.length;

  const at = Date.now();
  await tick(trigger.id, at);
  t.is(await runs(), 1);
  const manual = await schedules.runNow(trigger as Parameters<typeof schedules.runNow>[0], 0);
  t.is(await queue.cancel(manual), 'removed');
  await tick(trigger.id, at + 1000);
  t.is(await runs(), 1);
  const [first] = (await queue.list(fn.namespace, { limit: 10 })).items;
  await queue.cancel(first?.invocation.id ?? manual);
  await tick(trigger.id, at + 2000);
  t.is(await runs(), 1);
});

test('with overlap: skip, two ticks that are handled at once start one run', async (t) => {
  const { store, queue, leases, catalog, meter, deploy } = cases;
  const fn = await deploy();
  const spec = { cron: '* * * * * *', overlap: 'skip' } as const;
  const trigger = await store.triggers.add(fn.namespace, fn.name, spec, anEntry(), ENOUGH);
  if (trigger === null) return t.fail();
  const { tick, ...ticked } = ticking(queue);
  // The store takes longer than the time between two ticks.
  const settings = {
    ...store.settings,
    async put(...given: Parameters<typeof store.settings.put>) {
      await setTimeout(500);
      return store.settings.put(...given);
    },
  };
  const shared = { store: { ...store, settings }, leases, catalog, meter, resultTtlMs: 60_000 };
  const started = await new Schedules({ ...shared, ...ticked }).start();
  t.teardown(() => started.close());
  const at = Date.now();
  await Promise.all([tick(trigger.id, at), tick(trigger.id, at + 1000)]);
  t.is((await queue.list(fn.namespace, { limit: 10 })).items.length, 1);
});

test('nobody can take the id of a run beforehand, and so prevent it', async (t) => {
  const { store, queue, leases, catalog, meter, deploy } = cases;
  const fn = await deploy();
  const trigger = await store.triggers.add(fn.namespace, fn.name, { cron: '0 3 * * *' }, anEntry(), ENOUGH);
  if (trigger === null) return t.fail();
  const { tick, ...ticked } = ticking(queue);
  const schedules = new Schedules({ store, ...ticked, leases, catalog, meter, resultTtlMs: 60_000 });
  const started = await schedules.start();
  t.teardown(() => started.close());
  const at = Date.now();
  // Computed from what everybody knows who has ever listed the triggers.
  const digest = createHash('sha256').update(`${trigger.id}@${at}`).digest();
  const requestId = requestIdSchema.parse(uuidOf(at, digest));
  await store.attempts.write([anAttempt({ namespace: aNamespace(), requestId, final: anEnd() })]);
  await tick(trigger.id, at);
  t.is((await queue.list(fn.namespace, { limit: 10 })).items.length, 1);
});

/** Returns a queue whose ticks are given by `tick`. */
function ticking(queue: UseCases['queue']) {
  let handler: TickHandler = async () => Promise.reject(new Error('no handler is registered'));
  const proxy = new Proxy(queue, {
    get(target, name) {
      if (name !== 'onTick') return Reflect.get(target, name).bind(target);
      return async (given: TickHandler) => {
        handler = given;
        return { close: async () => undefined };
      };
    },
  });
  return { queue: proxy, tick: (...args: Parameters<TickHandler>) => handler(...args) };
}
