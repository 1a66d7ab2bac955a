import test from 'ava';
import { uuidv7 } from '../../src/uuid.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

export function testSettings(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: put stores a setting, and putIfAbsent keeps an existing value`, async (t) => {
    const { settings } = await get();
    const scope = uuidv7();
    t.is(await settings.get(scope, 'a'), null);
    t.is(await settings.putIfAbsent(scope, 'a', '1'), '1');
    t.is(await settings.putIfAbsent(scope, 'a', '2'), '1');
    await settings.put(scope, 'a', 'x\'41\' "é" 12345678901234567890');
    await settings.put(scope, 'b', '');
    t.is(await settings.get(scope, 'a'), 'x\'41\' "é" 12345678901234567890');
    t.is(await settings.get(scope, 'b'), '');
  });
}
