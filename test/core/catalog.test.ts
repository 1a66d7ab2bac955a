import test from 'ava';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { createCatalog } from '../../src/core/catalog.js';
import type { Bus } from '../../src/ports/bus.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { storeAndBus } from './store-and-bus.js';

test('after a bus gap the catalog reads functions from the store again', async (t) => {
  const { store, bus } = await storeAndBus();
  let gap = () => {};
  const broken: Bus = {
    ...bus,
    onGap(handler) {
      gap = handler;
      return async () => {};
    },
  };
  const catalog = await createCatalog({ store, bus: broken });
  t.teardown(() => catalog.close());
  const namespace = aNamespace();
  const deploy = () =>
    store.functions.addVersion({
      namespace,
      settings: functionSettingsSchema.parse({ name: 'hello', metadata: {} }),
      wasmCid: 'bafy',
      warmStart: 'fresh',
      createdBy: 'test',
    });
  await deploy();
  t.is((await catalog.choose(namespace, aName('hello'))).version, 1);
  // The message that announces this version is lost.
  await deploy();
  t.is((await catalog.choose(namespace, aName('hello'))).version, 1, 'the first version is cached');
  gap();
  t.is((await catalog.choose(namespace, aName('hello'))).version, 2);
});
