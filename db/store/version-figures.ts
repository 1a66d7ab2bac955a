import type { AttemptStore } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';

/**
 * Newest invocations that are looked at: enough for a rate, and a bound for a version that is
 * called very often.
 */
const MOST = 10_000;

/**
 * Over the index by function and time; only invocations that were accepted since, so that none of
 * an earlier step counts.
 */
const FIGURES = `
with ended as (
  select state, duration_ms from attempts indexed by attempts_by_function
  where namespace = ? and function = ? and started_at >= ? and version = ? and accepted_at >= ?
    and state is not null and state <> 'cancelled'
  order by started_at desc limit ${MOST}),
ranked as (select duration_ms, row_number() over (order by duration_ms) as rank, count(*) over () as total from ended)
select
  (select count(*) from ended) as calls,
  (select count(*) from ended where state <> 'success') as errors,
  (select min(duration_ms) from ranked where rank >= 0.95 * total) as p95`;

export function createVersionFigures(database: Database): AttemptStore['figures'] {
  return async ({ namespace, function: fn, version, since }) => {
    const [row] = await database.run<{ calls: number; errors: number; p95: number | null }[]>(
      database.knex.raw(FIGURES, [namespace, fn, since, version, since]),
    );
    return { calls: row?.calls ?? 0, errors: row?.errors ?? 0, p95Ms: row?.p95 ?? null };
  };
}
