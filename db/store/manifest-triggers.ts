import type { Knex } from 'knex';
import type { TriggerSpec } from '../../src/contract/function.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import { uuidv7 } from '../../src/uuid.js';
import type { Query } from '../database.js';
import { cleanText } from './text.js';
import { deleteTriggerSettings, specKey } from './trigger-row.js';

/**
 * A trigger that is listed again keeps its id, so that its schedule continues without a missed
 * tick.
 */
const UNLISTED =
  "namespace = ? and function = ? and source = 'manifest' and spec not in (select value from json_each(?))";

const ADD_LISTED_TRIGGERS = `
insert into triggers (
  id, namespace, function, spec, topic, cron, timezone, overlap, catch_up, source, enabled, created_at)
select value->>0, ?, ?, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, 'manifest', 1, ?
from json_each(?) where true
on conflict (namespace, function, spec) do update set
  overlap = excluded.overlap, catch_up = excluded.catch_up`;

/** Returns the canonical strings of the triggers as a JSON array. */
export function listedSpecs(specs: readonly TriggerSpec[]): string {
  return JSON.stringify(specs.map(specKey));
}

/**
 * Returns the queries that replace the triggers of a function's earlier deploys by those of a new
 * version. Triggers that were added through the API remain.
 */
export function replaceManifestTriggers(
  knex: Knex,
  { namespace, name }: { namespace: Namespace; name: FunctionName },
  specs: readonly TriggerSpec[],
  now: number,
): Query<unknown>[] {
  const rows = JSON.stringify(specs.map(toTuple));
  const unlisted = [namespace, name, listedSpecs(specs)];
  return [
    deleteTriggerSettings(knex, UNLISTED, unlisted),
    knex.raw(`delete from triggers where ${UNLISTED}`, unlisted),
    knex.raw(ADD_LISTED_TRIGGERS, [namespace, name, now, rows]),
  ];
}

/** The columns of a trigger in the order in which `ADD_LISTED_TRIGGERS` reads them. */
function toTuple(spec: TriggerSpec): (string | null)[] {
  if ('topic' in spec) return [uuidv7(), specKey(spec), cleanText(spec.topic), null, null, null, null];
  const { cron, timezone = null, overlap = null, catch_up: catchUp = null } = spec;
  return [uuidv7(), specKey(spec), null, cleanText(cron), timezone, overlap, catchUp];
}
