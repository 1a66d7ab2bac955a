import test from 'ava';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { createCatalog } from '../../src/core/catalog.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { breakable, storeAndBus } from './store-and-bus.js';

test('after a bus gap the catalog reads functions from the store again', async (t) => {
  const { store, bus } = await storeAndBus();
  const broken = breakable(bus);
  const catalog = await createCatalog({ store, bus: broken.bus });
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
  broken.gap();
  t.is((await catalog.choose(namespace, aName('hello'))).version, 2);
});
