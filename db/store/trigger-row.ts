import type { Knex } from 'knex';
import type { TriggerSpec } from '../../src/contract/function.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { type StoredTrigger, triggerScope } from '../../src/ports/store/triggers.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Query } from '../database.js';
import { cleanText } from './text.js';

export interface TriggerRow {
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

/** Returns the row of a trigger that is added through the API. */
export function newTriggerRow(namespace: Namespace, fn: FunctionName, spec: TriggerSpec): TriggerRow {
  return {
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
}

/**
 * Returns the query that deletes the settings of the triggers that meet a condition. Must precede,
 * in the same batch, the deletion of these triggers.
 */
export function deleteTriggerSettings(
  knex: Knex,
  condition: string,
  bindings: readonly string[],
): Query<unknown> {
  return knex.raw(
    `delete from settings where scope in (
      select '${triggerScope('')}' || id from triggers where ${condition})`,
    [...bindings],
  );
}

export function toTrigger(row: TriggerRow): StoredTrigger {
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
