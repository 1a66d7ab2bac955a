import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { openPresence } from '../../src/presence/open.js';
import { presenceConformance } from '../conformance/presence.js';

presenceConformance('local', (leaseMs) => openPresence({ driver: 'local', leaseMs }));

test('local: a renewal takes no longer in a topic with many members than in one with few', async (t) => {
  const namespace = namespaceSchema.parse('shop');
  const presence = await openPresence({ driver: 'local', leaseMs: 60_000 });
  t.teardown(() => presence.close());
  const touch = (topic: string, n: number) =>
    presence.touch(namespace, topic, `c-${n}`, {
      ...{ member_id: `m-${n}`, joined_at: '2026-01-01T00:00:00.000Z' },
      ...{ meta: null, owner: 'key:1' },
    });
  const sizes = { few: 100, many: 20_000 };
  for (const [topic, size] of Object.entries(sizes)) {
    for (let n = 0; n < size; n += 1) await touch(topic, n);
  }
  const shortest = { few: Number.POSITIVE_INFINITY, many: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 10; round += 1) {
    for (const topic of ['few', 'many'] as const) {
      const since = performance.now();
      for (let n = 0; n < 100; n += 1) await touch(topic, n);
      shortest[topic] = Math.min(shortest[topic], performance.now() - since);
    }
  }
  // Two hundred times as many members.
  t.true(shortest.many < 20 * shortest.few, JSON.stringify(shortest));
});
