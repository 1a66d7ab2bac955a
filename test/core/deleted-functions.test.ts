import { join } from 'node:path';
import test from 'ava';
import { aliasSchema } from '../../src/contract/alias.js';
import { Schedules } from '../../src/core/events/schedules.js';
import { Triggers } from '../../src/core/events/triggers.js';
import { createAliases } from '../../src/core/functions/aliases.js';
import { Rollouts } from '../../src/core/functions/rollouts.js';
import { createLogger } from '../../src/logger.js';
import { anEntry } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { by, openUseCases } from './use-cases.js';

const directory = tempDir();
const get = shared(() => openUseCases(join(directory, 'cases')));

test('what is added to a function that another process has just deleted is refused as not found', async (t) => {
  const { store, queue, leases, catalog, meter, quotas, publisher, deploy } = await get();
  const schedules = new Schedules({ store, queue, leases, catalog, meter, resultTtlMs: 60_000 });
  const triggers = new Triggers({ store, catalog, schedules, quotas });
  const aliases = createAliases({ store, catalog });
  const { namespace, name } = await deploy();
  await deploy({}, namespace);
  // The catalog of this process still has the function.
  for (const version of [undefined, 1, 2]) await catalog.resolve(namespace, name, version);
  const versions = await store.functions.versions(namespace, name);
  await store.functions.remove(namespace, name, anEntry());

  const notFound = { code: 'function_not_found' };
  await t.throwsAsync(triggers.add(by, namespace, name, { topic: 'a' }), notFound);
  const live = aliasSchema.parse('live');
  await t.throwsAsync(aliases.put(by, namespace, name, live, { version: 1 }), notFound);
  let isRead = false;
  const functions: typeof store.functions = {
    ...store.functions,
    async versions(...of) {
      if (isRead) return store.functions.versions(...of);
      isRead = true;
      return versions;
    },
  };
  const rollouts = new Rollouts({
    ...{ catalog, publisher, logger: createLogger('silent') },
    store: { ...store, functions },
  });
  t.teardown(() => rollouts.close());
  const request = { to: 2, steps: [10], every_seconds: 60, max_error_percent: 2, min_calls: 20 };
  await t.throwsAsync(rollouts.start(by, namespace, name, request), notFound);
  t.deepEqual(await store.triggers.list(namespace), []);
  t.deepEqual(await store.aliases.list(namespace), []);
});
