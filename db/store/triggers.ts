import type { TriggerSpec } from '../../src/contract/function.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { StoredTrigger, TriggerStore } from '../../src/ports/store/triggers.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Database } from '../database.js';
import { auditQueries } from './audit.js';
import { batchWithinQuota, countCheck } from './quota-check.js';
import { cleanText } from './text.js';

interface TriggerRow {
  id: string;
  namespace: Namespace;
  function: FunctionName;
  spec: string;
  topic: string | null;
  cron: string | null;
  timezone: string | null;
  overlap: 'allow' | 'skip' | null;
  catch_up: 'one' | 'none' | null;
  source: 'manifest' | 'api';
  enabled: number;
  created_at: number;
}

/** Returns the canonical string of a topic or schedule. A schedule without a timezone is in UTC. */
export function specKey(spec: TriggerSpec): string {
  return cleanText('topic' in spec ? `topic ${spec.topic}` : `cron ${spec.timezone ?? 'UTC'} ${spec.cron}`);
}

/** Creates the repository of triggers. */
export function createTriggerStore(database: Database): TriggerStore {
  const { knex } = database;
  const triggers = () => knex<TriggerRow>('triggers');

  return {
    async add(namespace, fn, spec, audit, limit) {
      const row: TriggerRow = {
        id: uuidv7(),
        namespace,
        function: fn,
        spec: specKey(spec),
        topic: 'topic' in spec ? spec.topic : null,
        cron: 'cron' in spec ? spec.cron : null,
        timezone: 'cron' in spec ? (spec.timezone ?? null) : null,
        overlap: 'cron' in spec ? (spec.overlap ?? null) : null,
        catch_up: 'cron' in spec ? (spec.catch_up ?? null) : null,
        source: 'api',
        enabled: 1,
        created_at: Date.now(),
      };
      const used = { sql: 'select count(*) from triggers where namespace = ?', bindings: [namespace] };
      const more = {
        sql: 'not exists (select 1 from triggers where namespace = ? and function = ? and spec = ?)',
        bindings: [namespace, fn, row.spec],
      };
      const check = limit === undefined ? null : { namespace, ...countCheck('triggers', limit, used, more) };
      const results = await batchWithinQuota(
        database,
        check,
        [
          triggers().insert(row).onConflict(['namespace', 'function', 'spec']).merge(['overlap', 'catch_up']),
          ...auditQueries(knex, audit),
          triggers().where({ namespace, function: fn, spec: row.spec }),
        ],
        { idempotent: true },
      );
      const [held] = results.at(-1) as TriggerRow[];
      if (held === undefined)
        throw new AppError('internal', `The new trigger of ${fn} could not be read back.`);
      return toTrigger(held);
    },

    async get(id) {
      const [row] = await database.run<TriggerRow[]>(triggers().where({ id }));
      return row === undefined ? null : toTrigger(row);
    },

    async list(namespace, fn) {
      const rows = await database.run<TriggerRow[]>(
        triggers()
          .where(fn === undefined ? { namespace } : { namespace, function: fn })
          .orderBy(['function', 'id']),
      );
      return rows.map(toTrigger);
    },

    async schedules() {
      const rows = await database.run<TriggerRow[]>(triggers().whereNotNull('cron').orderBy('id'));
      return rows.map(toTrigger);
    },

    async setEnabled(namespace, fn, id, enabled, audit) {
      const own = () => triggers().where({ namespace, function: fn, id });
      const results = await database.batch([
        own().update({ enabled: enabled ? 1 : 0 }),
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from triggers where namespace = ? and function = ? and id = ?)',
          bindings: [namespace, fn, id],
        }),
        own(),
      ]);
      const [row] = results.at(-1) as TriggerRow[];
      return row === undefined ? null : toTrigger(row);
    },

    async remove(namespace, fn, id, audit) {
      const results = await database.batch([
        ...auditQueries(knex, audit, {
          sql: 'exists (select 1 from triggers where namespace = ? and function = ? and id = ?)',
          bindings: [namespace, fn, id],
        }),
        triggers().where({ namespace, function: fn, id }).delete(),
      ]);
      return results.at(-1) === 1;
    },
  };
}

function toTrigger(row: TriggerRow): StoredTrigger {
  return {
    id: row.id,
    namespace: row.namespace,
    function: row.function,
    spec: toSpec(row),
    source: row.source,
    enabled: row.enabled === 1,
    createdAt: row.created_at,
  };
}

function toSpec({ topic, cron, timezone, overlap, catch_up }: TriggerRow): TriggerSpec {
  if (cron === null) return { topic: topic ?? '' };
  return {
    cron,
    ...(timezone === null ? {} : { timezone }),
    ...(overlap === null ? {} : { overlap }),
    ...(catch_up === null ? {} : { catch_up }),
  };
}
