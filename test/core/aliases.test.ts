import test from 'ava';
import { aliasSchema } from '../../src/contract/alias.js';
import { createAliases } from '../../src/core/functions/aliases.js';
import { Rollouts } from '../../src/core/functions/rollouts.js';
import { createLogger } from '../../src/logger.js';
import { tempDir } from '../helpers/temp-dir.js';
import { by, openUseCases } from './use-cases.js';

const directory = tempDir();
const live = aliasSchema.parse('live');

test('a change of live that a rollout refuses, of which nothing is to be seen before and after it, is a conflict', async (t) => {
  const { store, catalog, publisher, deploy, close } = await openUseCases(directory);
  t.teardown(close);
  const { namespace, name } = await deploy();
  await deploy({}, namespace);
  const rollouts = new Rollouts({ store, catalog, publisher, logger: createLogger('silent') });
  t.teardown(() => rollouts.close());
  const request = { to: 2, steps: [5], every_seconds: 3600, max_error_percent: 2, min_calls: 20 };
  await rollouts.start(by, namespace, name, request);
  // It begins after the first look at it, and ends before the second.
  const unseen = { ...store, rollouts: { ...store.rollouts, get: async () => null } };
  const aliases = createAliases({ store: unseen, catalog });
  const conflict = { code: 'conflict', message: /was changed at the same time/ };
  await t.throwsAsync(aliases.put(by, namespace, name, live, { version: 2 }), conflict);
  await t.throwsAsync(aliases.remove(by, namespace, name, live), conflict);
  t.like(await store.aliases.list(namespace), [{ version: 1, weights: { 2: 5 } }]);
});
