import { join } from 'node:path';
import test from 'ava';
import type { Database, Query } from '../../db/database.js';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { migrate } from '../../db/migrations/migrate.js';
import { createStore } from '../../db/store/store.js';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import { aDeadAttempt, aName, aNamespace, anAttempt, aRequestId } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

interface Sent {
  sql: string;
  bindings: readonly string[];
}

/** Returns a database that records the queries sent through it. */
function listening(database: Database, sent: Sent[]): Database {
  const note = (query: Query<unknown>) => sent.push(query.toSQL() as Sent);
  return {
    ...database,
    run(query) {
      note(query);
      return database.run(query);
    },
    batch(queries, options) {
      queries.forEach(note);
      return database.batch(queries, options);
    },
  };
}

/**
 * Intended scans: by position in order with a limit, of the few dead ones, of a subquery's few
 * rows, of the routes of a version, and of rows being written.
 */
const MEANT =
  /SCAN (attempts|later|dead) USING (COVERING )?INDEX attempts_dead|SCAN \(|SCAN json_each|SCAN CONSTANT|SCAN (page|sized|fitting|bounds|head|window|recent|last|expired|tuples|routes)|SCAN [A-Z]*SUBQUERY/;

test('queries for one function, invocation or namespace scan no whole table', async (t) => {
  const database = await openSqlite({ file: join(directory, 'plans.sqlite') });
  t.teardown(() => database.close());
  await migrate(database);
  const sent: Sent[] = [];
  const { attempts, callbacks, functions, triggers, idempotency, secrets, keys, blobOwners, quotas } =
    createStore(listening(database, sent));
  const namespace = aNamespace();
  const name = aName('hello');
  const log = { namespace, function: name, limit: 10 };

  await attempts.write([anAttempt({ namespace }), aDeadAttempt({ namespace })]);
  for (const more of [
    {},
    { since: 1 },
    { status: 'error' },
    { requestId: aRequestId() },
    { after: '0' },
  ] as const) {
    await attempts.logs({ ...log, ...more });
  }
  const page = { namespace, limit: 10 };
  const cursor = `1_${aRequestId()}`;
  for (const more of [
    {},
    { state: 'dead' },
    { state: 'error' },
    { function: name },
    { since: 1, cursor },
    { parentId: aRequestId() },
    { parentId: aRequestId(), state: 'error', cursor },
    { messageId: aRequestId() },
    { messageId: aRequestId(), state: 'error', cursor },
  ] as const) {
    await attempts.list({ ...page, ...more });
  }
  await attempts.invocation(aRequestId());
  await attempts.takeDead(aRequestId());
  await attempts.purgeDead(namespace, name, { audit: anEntry() });
  await attempts.purgeDead(namespace, name, { audit: anEntry(), ids: [aRequestId()] });
  await attempts.deadGroups(namespace);
  for (const more of [{}, { function: name }, { functions: ['hook-*', 'a'] }]) {
    await attempts.perMinute({ namespace, since: 1, until: 2, ...more });
    await attempts.durations({ namespace, since: 1, until: 2, ...more }, 100_000);
  }
  await attempts.countDead();
  await attempts.countEnded();
  await callbacks.add({ id: aRequestId(), namespace, url: 'url', bytes: 1 });
  await callbacks.waiting(namespace);
  await callbacks.attempted(aRequestId(), 'url', { deliveredAt: 1, error: null, isLast: true });
  await callbacks.get([aRequestId()]);
  await callbacks.sweep(1);
  await functions.wasDeployed(namespace, name);
  await functions.moduleBytes(namespace, 'cid');
  await attempts.sweep({ logsBefore: 1, deadBefore: 1, now: 1 });
  const settings = functionSettingsSchema.parse({ name, metadata: functionMetadataSchema.parse({}) });
  const limits = { functions: 9, versions_per_function: 9, triggers: 9, storage_mb: 9 };
  await functions.addVersion(
    {
      ...{ namespace, settings, wasmCid: 'cid', warmStart: 'fresh', createdBy: '', limits },
    },
    anEntry(),
  );
  await blobOwners.add(namespace, { cid: 'a', name: '', size: 1 }, 9);
  await quotas.use(namespace);
  await quotas.overrides(namespace);
  await functions.latest(namespace, name);
  await functions.versions(namespace, name);
  await functions.list(namespace);
  await triggers.list(namespace, name);
  await secrets.get(namespace, 'a');
  await keys.byHash('a');
  await blobOwners.markForDeletion('a');
  await idempotency.claimKey({
    ...{ namespace, function: name, key: 'k', bodyHash: '', requestId: aRequestId() },
    ...{ version: 1, expiresAt: Date.now() + 60_000 },
  });

  t.true(sent.length > 25);
  for (const { sql, bindings } of sent) {
    const plan = await database.run<{ detail: string }[]>(
      database.knex.raw(`explain query plan ${sql}`, bindings),
    );
    const scans = plan
      .map(({ detail }) => detail)
      .filter((detail) => /^SCAN/.test(detail) && !MEANT.test(detail));
    t.deepEqual(scans, [], sql);
  }
});
