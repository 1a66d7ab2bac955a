import test from 'ava';
import { aName, aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';
import { aVersion } from './store-records.js';

export function testTriggers(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a deploy replaces the triggers of the manifest and keeps those added through the API`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({
      triggers: [{ topic: 'old' }, { cron: '*/5 * * * *', timezone: 'Europe/Paris' }],
    });
    const name = aName('hello');
    await functions.addVersion(given);
    const byHand = await triggers.add(given.namespace, name, { topic: 'by-hand' });
    const before = await triggers.list(given.namespace, name);
    t.is(before.length, 3);

    await functions.addVersion(
      aVersion({
        namespace: given.namespace,
        triggers: [{ topic: 'new' }, { cron: '*/5 * * * *', timezone: 'Europe/Paris' }],
      }),
    );
    const after = await triggers.list(given.namespace, name);
    t.deepEqual(after.map(({ spec, source }) => [JSON.stringify(spec), source]).sort(), [
      ['{"cron":"*/5 * * * *","timezone":"Europe/Paris"}', 'manifest'],
      ['{"topic":"by-hand"}', 'api'],
      ['{"topic":"new"}', 'manifest'],
    ]);
    t.true(after.some(({ id }) => id === byHand?.id));
    const schedule = (list: typeof after) => list.find(({ spec }) => 'cron' in spec)?.id;
    t.is(schedule(after), schedule(before), 'an unchanged schedule keeps its id');
  });

  test(`${driver}: an unpaired surrogate in a topic is stored as U+FFFD`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({ triggers: [{ topic: 'a:\ud800' }] });
    await functions.addVersion(given);
    await functions.addVersion(given);
    await triggers.add(given.namespace, aName('hello'), { topic: 'b:\ud800' });
    const found = await triggers.list(given.namespace);
    t.deepEqual(found.map(({ spec }) => ('topic' in spec ? spec.topic : '')).sort(), [
      'a:\ufffd',
      'b:\ufffd',
    ]);
  });

  test(`${driver}: a trigger is added once, read by id, listed and removed`, async (t) => {
    const { functions, triggers } = await get();
    const namespace = aNamespace();
    const name = aName('hello');
    for (const each of ['hello', 'other']) await functions.addVersion(aVersion({ namespace, name: each }));
    const topic = await triggers.add(namespace, name, { topic: 'calls:*' });
    if (topic === null) return t.fail();
    t.deepEqual(topic, {
      id: topic.id,
      namespace,
      function: name,
      spec: { topic: 'calls:*' },
      source: 'api',
      enabled: true,
      createdAt: topic.createdAt,
    });
    t.deepEqual(await triggers.add(namespace, name, { topic: 'calls:*' }), topic);
    const cron = await triggers.add(namespace, name, { cron: '0 0 * * *' });
    const other = await triggers.add(namespace, aName('other'), { topic: 'calls:*' });
    t.deepEqual(await triggers.get(topic.id), topic);
    t.is(await triggers.get('absent'), null);
    t.deepEqual(await triggers.list(namespace, name), [topic, cron]);
    t.is((await triggers.list(namespace)).length, 3);
    t.deepEqual(
      (await triggers.schedules()).filter((trigger) => trigger.namespace === namespace),
      [cron],
    );
    t.false(await triggers.remove(namespace, name, other?.id ?? ''), 'another function’s trigger');
    t.true(await triggers.remove(namespace, name, topic.id));
    t.false(await triggers.remove(namespace, name, topic.id));
    t.deepEqual(await triggers.list(namespace, name), [cron]);
  });

  // Serial, since the order covers the whole store: no other test may write at the same time.
}
