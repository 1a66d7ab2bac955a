import { join } from 'node:path';
import test from 'ava';
import type { Database, Query } from '../../db/database.js';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { migrate } from '../../db/migrations/migrate.js';
import { createStore } from '../../db/store/store.js';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import type { Store } from '../../src/ports/store.js';
import { testStore } from '../conformance/store.js';
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

const called = new Set<string>();
const uncalled = new Set<string>();

/** Returns the store, and notes which methods of its parts have been called in this file. */
function noting(store: Store): Store {
  const parts = Object.entries(store).map(([part, methods]) => {
    if (typeof methods === 'function') return [part, methods];
    const noted = Object.entries(methods).map(([name, method]) => {
      const path = `${part}.${name}`;
      if (!called.has(path)) uncalled.add(path);
      const call = (...args: unknown[]) => {
        called.add(path);
        uncalled.delete(path);
        return (method as (...args: unknown[]) => unknown)(...args);
      };
      return [name, call];
    });
    return [part, Object.fromEntries(noted)];
  });
  return Object.fromEntries(parts);
}

/**
 * Intended scans: by position in order with a limit, of the few dead ones, of a subquery's few
 * rows, of the routes of a version, and of rows being written.
 */
const MEANT =
  /SCAN (attempts|later|dead) USING (COVERING )?INDEX attempts_dead|SCAN \(|SCAN (json_each|wanted VIRTUAL)|SCAN CONSTANT|SCAN (ended|ranked|page|sized|fitting|bounds|head|window|recent|last|expired|tuples|routes)|SCAN [A-Z]*SUBQUERY/;

/** Queries about the whole engine, of few rows, or of which a few are read in order. */
const MEANT_QUERIES = [
  /max\(ran\.rowid\) as last/,
  /^select \* from `function_versions` (order by `updated_at` desc limit|where `probe_pending`)/,
  /from callbacks indexed by callbacks_waiting/,
  /^select count\(\*\) as count from functions/,
  /^select \* from `rollouts` where `(announced|state)`/,
  /^select \* from `secrets` where not `key_id`/,
  /delete from revoked_families/,
  /^select \* from `api_keys` where `is_admin`/,
  /^select \* from `triggers` where `cron` is not null/,
  // Not meant, but known: the sessions of a wallet are found among the refresh tokens of all.
  /^select distinct `family`/,
];

test('queries for one function, invocation or namespace scan no whole table', async (t) => {
  const database = await openSqlite({ file: join(directory, 'plans.sqlite') });
  t.teardown(() => database.close());
  await migrate(database);
  const sent: Sent[] = [];
  const {
    attempts,
    callbacks,
    functions,
    triggers,
    idempotency,
    secrets,
    keys,
    blobOwners,
    quotas,
    rollouts,
  } = noting(createStore(listening(database, sent)));
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
  await attempts.figures({ namespace, function: name, version: 1, since: 1 });
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
  const version = { namespace, settings, wasmCid: 'cid', warmStart: 'fresh', createdBy: '', limits } as const;
  await functions.assertWithinQuotas(version);
  await functions.addVersion(version, anEntry());
  await blobOwners.add(namespace, { cid: 'a', name: '', size: 1 }, 9);
  await quotas.use(namespace);
  await quotas.logBytes(namespace, '2026-01-31');
  await quotas.overrides(namespace);
  await functions.latest(namespace, name);
  await functions.versions(namespace, name);
  await functions.list(namespace);
  await triggers.list(namespace, name);
  await triggers.setEnabled(namespace, name, 'id', false, anEntry());
  await rollouts.running();
  await secrets.get(namespace, 'a');
  await keys.byHash('a');
  await blobOwners.markForDeletion('a');
  await idempotency.claimKey({
    ...{ namespace, function: name, key: 'k', bodyHash: '', requestId: aRequestId() },
    ...{ version: 1, expiresAt: Date.now() + 60_000 },
  });

  t.true(sent.length > 25);
  for (const query of sent) t.deepEqual(await scansOf(database, query), [], query.sql);
});

// The conformance suite calls every method of the store; those above are called with more options.
const suite: Sent[] = [];
const file = join(directory, 'suite.sqlite');
testStore('query plans', async () => {
  const database = await openSqlite({ file });
  await migrate(database);
  return noting(createStore(listening(database, suite)));
});

test.after(
  'the store scans whole tables only where it is meant to, and each method was called',
  async (t) => {
    t.deepEqual([...uncalled], []);
    const database = await openSqlite({ file });
    try {
      const queries = new Map(suite.map((query) => [query.sql, query]));
      for (const query of queries.values()) {
        t.deepEqual(await scansOf(database, query), [], query.sql);
      }
    } finally {
      await database.close();
    }
  },
);

/** Returns the steps of a query's plan that scan a table and are not meant to. */
async function scansOf(database: Database, { sql, bindings }: Sent): Promise<string[]> {
  if (MEANT_QUERIES.some((meant) => meant.test(sql))) return [];
  const plan = await database.run<{ detail: string }[]>(
    database.knex.raw(`explain query plan ${sql}`, bindings),
  );
  return plan.map(({ detail }) => detail).filter((detail) => /^SCAN/.test(detail) && !MEANT.test(detail));
}
