import { FINAL_STATES, type FinalState } from '../../src/contract/invocation-state.js';
import type { AttemptStore, MinuteCount, StatsQuery } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { matchesOne } from './function-patterns.js';

const MINUTE_MS = 60_000;
/** The time range of one statement, in milliseconds, so that other statements run in between. */
const SLICE_MS = 10 * MINUTE_MS;
/**
 * The maximum number of rows read for their durations; more ends are sampled. Counts come from the
 * index without reading rows.
 */
const MAX_SAMPLE = 10_000;
/**
 * The number of trailing digits of a request id that are compared for sampling: they are random, so
 * ids below a threshold are a uniform sample, and the index contains them.
 */
const SAMPLE_DIGITS = 4;

interface StatsRow {
  minute: number;
  state: FinalState;
  value: number;
}

/** Statistics by the minute of acceptance, which is the order of the index of ended invocations. */
export function createAttemptStats(database: Database): Pick<AttemptStore, 'perMinute' | 'durations'> {
  const { knex } = database;

  /**
   * Runs the query per time slice. `value` is the SQL expression of the value, for the rows of each
   * state.
   */
  const each = async (query: StatsQuery, value: string, extra: { sql: string; bindings: string[] }) => {
    const found: StatsRow[] = [];
    for (let from = query.since; from < query.until; from += SLICE_MS) {
      const to = Math.min(from + SLICE_MS, query.until);
      const { where, bindings } = conditions(query, from, to);
      const parts = FINAL_STATES.map(
        (state) => `select accepted_at / ${MINUTE_MS} as minute, '${state}' as state, ${value} as value
          from attempts indexed by attempts_ended where state = '${state}' and ${where}${extra.sql}`,
      );
      const all = FINAL_STATES.flatMap(() => [...bindings, ...extra.bindings]);
      found.push(...(await database.run<StatsRow[]>(knex.raw(parts.join(' union all '), all))));
    }
    return found;
  };

  return {
    async perMinute(query) {
      const rows = await each(query, 'count(*)', { sql: ' group by 1', bindings: [] });
      return rows.map(({ minute, state, value }): MinuteCount => ({ minute, state, count: value }));
    },

    async durations(query, total) {
      const share = Math.min(1, MAX_SAMPLE / Math.max(1, total));
      const threshold = Math.floor(share * 16 ** SAMPLE_DIGITS)
        .toString(16)
        .padStart(SAMPLE_DIGITS, '0');
      const sampled =
        share === 1
          ? { sql: '', bindings: [] }
          : { sql: ` and substr(request_id, -${SAMPLE_DIGITS}) < ?`, bindings: [threshold] };
      const rows = await each(query, 'duration_ms', sampled);
      return rows.map(({ minute, value }) => ({ minute, ms: value }));
    },
  };
}

function conditions({ namespace, function: fn, functions }: StatsQuery, from: number, to: number) {
  const parts = ['namespace = ? and accepted_at >= ? and accepted_at < ?'];
  if (fn !== undefined) parts.push('function = ?');
  if (functions !== undefined) parts.push(matchesOne(functions));
  const names = [...(fn === undefined ? [] : [fn]), ...(functions ?? [])];
  return { where: parts.join(' and '), bindings: [namespace, from, to, ...names] };
}
