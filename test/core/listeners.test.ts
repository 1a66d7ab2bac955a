import test from 'ava';
import { createListeners } from '../../src/core/events/listeners.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import type { StoredTrigger } from '../../src/ports/store/triggers.js';
import { aName, aNamespace } from '../helpers/attempt.js';

/** A topic of as many segments as possible. */
function longTopic(last: string): string {
  return `${'a:'.repeat(110)}${last}`;
}

// Serial, since the time of tests beside it would count.
test.serial(
  'the process does other work while a batch looks up many topics among many triggers',
  async (t) => {
    const [hostile, other] = [aNamespace(), aNamespace()];
    const triggers = Array.from({ length: 5000 }, (_, n) => ({
      ...{ function: aName('fn'), enabled: true, spec: { topic: longTopic(`n${n}`) } },
    }));
    const catalog = {
      triggers: async (namespace: string) => (namespace === hostile ? triggers : []) as StoredTrigger[],
      peek: () => null,
      choose: async () => t.fail('no topic matches'),
    } as unknown as Catalog;
    const listenersOnce = createListeners(catalog);
    const listeners = listenersOnce();
    let isOver = false;
    const batch = async () => {
      for (let n = 0; n < 150; n += 1) t.deepEqual(await listeners(hostile, longTopic(`m${n}`)), []);
      isOver = true;
    };
    const done = batch();
    // Not their durations, which on a busy machine include the time of other processes.
    let turns = 0;
    for (; !isOver; turns += 1) await new Promise(setImmediate);
    await done;
    t.deepEqual(await listenersOnce()(other, 'topic'), []);
    t.true(turns > 50, `${turns} turns of the event loop`);
  },
);
