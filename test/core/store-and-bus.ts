import { join } from 'node:path';
import { openStore } from '../../db/open.js';
import { openBus } from '../../src/bus/open.js';
import type { Bus } from '../../src/ports/bus.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

/** Opens an embedded store and a local bus for the tests of a file. */
export const storeAndBus = shared(async () => {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  const bus = await openBus({ driver: 'local' });
  const close = async () => {
    await bus.close();
    await store.close();
  };
  return { store, bus, close };
});

/** Returns a bus whose connection breaks when `gap` is called. */
export function breakable(bus: Bus): { bus: Bus; gap(): void } {
  let handleGap = () => {};
  const broken: Bus = {
    ...bus,
    onGap(handler) {
      handleGap = handler;
      return async () => {};
    },
  };
  return { bus: broken, gap: () => handleGap() };
}
