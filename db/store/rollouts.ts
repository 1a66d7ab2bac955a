import type { Knex } from 'knex';
import { LIVE_ALIAS } from '../../src/contract/alias.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { RolloutRequest } from '../../src/contract/rollout.js';
import type { StoredAlias } from '../../src/ports/store/aliases.js';
import type { AuditEntry } from '../../src/ports/store/audit.js';
import type { RolloutStore, StoredRollout } from '../../src/ports/store/rollouts.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Database, Query } from '../database.js';
import { liveIs, ON_ALIAS, toAliasRow } from './aliases.js';
import { auditQueries, type Happens } from './audit.js';
import { batchWithRoutes, claimRoutes } from './function-routes.js';
import { both, insertIf, versionsExist } from './insert-if.js';

interface RolloutRow {
  namespace: Namespace;
  function: FunctionName;
  change_id: string;
  state: StoredRollout['state'];
  to_version: number;
  from_version: number;
  created_live: number;
  request: string;
  step: number;
  step_started_at: number;
  calls: number;
  errors: number;
  p95_ms: number | null;
  reason: string | null;
  started_at: number;
  updated_at: number;
  announced: number;
}

/**
 * Removes the alias if this change has ended a rollout that made it and goes back. Not if a version
 * has been deployed meanwhile, which would then get all calls.
 */
const REMOVE_ALIAS = `
delete from aliases where namespace = ? and function = ? and alias = '${LIVE_ALIAS}' and exists (
  select 1 from rollouts r join functions f on f.namespace = r.namespace and f.name = r.function
  where r.namespace = ? and r.function = ? and r.change_id = ? and r.created_live = 1
    and r.state in ('rolled_back', 'aborted') and f.last_version = r.from_version)`;

/** Creates the repository of rollouts. */
export function createRolloutStore(database: Database): RolloutStore {
  const { knex } = database;
  const rollouts = () => knex<RolloutRow>('rollouts');
  const of = (namespace: Namespace, fn: FunctionName) => rollouts().where({ namespace, function: fn });

  /**
   * Writes a change of a rollout, the resulting alias and the audit entry in one batch. Resolves
   * with the rollout that the function has then.
   */
  const write = async (
    change: Query<unknown>,
    row: RolloutRow,
    live: StoredAlias,
    audit: AuditEntry | null,
  ) => {
    const fn = { namespace: row.namespace, name: row.function };
    const happens = changed(row);
    const queries = [
      change,
      ...aliasChanges(knex, row, live, happens),
      ...claimRoutes(knex, fn),
      ...auditQueries(knex, audit, happens),
      of(row.namespace, row.function),
    ];
    const results = await batchWithRoutes(
      database,
      fn,
      { versions: [row.from_version, row.to_version] },
      () => database.batch(queries),
    );
    return (results.at(-1) as RolloutRow[])[0];
  };

  return {
    async get(namespace, fn) {
      const [row] = await database.run<RolloutRow[]>(of(namespace, fn));
      return row === undefined ? null : toRollout(row);
    },
    async running() {
      const rows = await database.run<RolloutRow[]>(rollouts().where({ state: 'running' }));
      return rows.map(toRollout);
    },
    async unannounced() {
      const rows = await database.run<RolloutRow[]>(rollouts().where({ announced: 0 }));
      return rows.map(toRollout);
    },
    async announced({ namespace, function: fn, updatedAt }) {
      await database.run(
        of(namespace, fn)
          .where({ updated_at: updatedAt })
          .update({ announced: 1 })
          .options({ idempotent: true }),
      );
    },
    async start(rollout, { before, after }, audit) {
      const row = toRow(rollout);
      const columns = Object.keys(row).slice(2);
      const insert = insertIf(
        knex,
        'rollouts',
        row,
        both(
          versionsExist(row.namespace, row.function, [row.from_version, row.to_version]),
          liveIs(row.namespace, row.function, before),
        ),
        `(namespace, function) do update set
         ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}
         where rollouts.state <> 'running'`,
      );
      const held = await write(insert, row, after, audit);
      if (held?.change_id === row.change_id) return 'started';
      return held?.state === 'running' ? 'running' : 'changed';
    },
    async move(from, to, live, audit) {
      const row = toRow(to);
      const { namespace, function: fn, ...columns } = row;
      const change = rollouts().where({ namespace, function: fn, change_id: from.changeId }).update(columns);
      return (await write(change, row, live, audit))?.change_id === row.change_id;
    },
  };
}

/** Returns the condition that this change of a rollout has taken place. */
function changed({ namespace, function: fn, change_id: changeId }: RolloutRow): Happens {
  return {
    sql: 'exists (select 1 from rollouts where namespace = ? and function = ? and change_id = ?)',
    bindings: [namespace, fn, changeId],
  };
}

function aliasChanges(
  knex: Knex,
  { namespace, function: fn, change_id: changeId }: RolloutRow,
  live: StoredAlias,
  happens: Happens,
): Query<unknown>[] {
  return [
    insertIf(knex, 'aliases', toAliasRow(live), happens, ON_ALIAS),
    knex.raw(REMOVE_ALIAS, [namespace, fn, namespace, fn, changeId]),
  ];
}

function toRow(rollout: Omit<StoredRollout, 'changeId'>): RolloutRow {
  return {
    namespace: rollout.namespace,
    function: rollout.function,
    change_id: uuidv7(),
    state: rollout.state,
    to_version: rollout.to,
    from_version: rollout.from,
    created_live: rollout.createdLive ? 1 : 0,
    request: JSON.stringify(rollout.request),
    step: rollout.step,
    step_started_at: rollout.stepStartedAt,
    calls: rollout.calls,
    errors: rollout.errors,
    p95_ms: rollout.p95Ms,
    reason: rollout.reason,
    started_at: rollout.startedAt,
    updated_at: rollout.updatedAt,
    announced: rollout.state === 'running' ? 1 : 0,
  };
}

function toRollout(row: RolloutRow): StoredRollout {
  return {
    namespace: row.namespace,
    function: row.function,
    changeId: row.change_id,
    state: row.state,
    to: row.to_version,
    from: row.from_version,
    createdLive: row.created_live === 1,
    request: JSON.parse(row.request) as RolloutRequest,
    step: row.step,
    stepStartedAt: row.step_started_at,
    calls: row.calls,
    errors: row.errors,
    p95Ms: row.p95_ms,
    reason: row.reason,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
  };
}
