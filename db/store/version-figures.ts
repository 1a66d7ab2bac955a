import type { AttemptStore } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';

/**
 * The maximum number of recent invocations that are examined: enough for an error rate, and a limit
 * for frequently called versions.
 */
const MOST = 10_000;

/**
 * Uses the index by function and time, and counts only invocations accepted since then, so that
 * invocations of an earlier rollout step are excluded, as are those that never ran: they were
 * refused or have expired, which says nothing about the version.
 */
const FIGURES = `
with ended as (
  select state, duration_ms from attempts indexed by attempts_by_function
  where namespace = ? and function = ? and started_at >= ? and version = ? and accepted_at >= ?
    and state is not null and state <> 'cancelled' and attempt > 0
  order by started_at desc limit ${MOST}),
ranked as (select duration_ms, row_number() over (order by duration_ms) as rank, count(*) over () as total from ended)
select
  (select count(*) from ended) as calls,
  (select count(*) from ended where state <> 'success') as errors,
  (select min(duration_ms) from ranked where rank >= 0.95 * total) as p95`;

/**
 * Creates the query of a version's recent figures: calls, errors and p95 of the duration in
 * milliseconds.
 */
export function createVersionFigures(database: Database): AttemptStore['figures'] {
  return async ({ namespace, function: fn, version, since }) => {
    const [row] = await database.run<{ calls: number; errors: number; p95: number | null }[]>(
      database.knex.raw(FIGURES, [namespace, fn, since, version, since]),
    );
    return { calls: row?.calls ?? 0, errors: row?.errors ?? 0, p95Ms: row?.p95 ?? null };
  };
}
