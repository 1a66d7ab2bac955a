import test from 'ava';
import type { OpenStore } from './open-store.js';

export function testLifecycle(driver: string, open: OpenStore): void {
  test(`${driver}: closing a store twice has no effect, and reads after close fail`, async (t) => {
    const store = await open();
    await store.ping();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await t.throwsAsync(store.settings.get('a', 'b'), { name: 'AppError' });
  });
}
