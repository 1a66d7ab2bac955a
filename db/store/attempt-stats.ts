import type { FinalState } from '../../src/contract/invocation.js';
import type { AttemptStore, MinuteCount, StatsQuery } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';

const STATES: readonly FinalState[] = ['success', 'error', 'timeout', 'dead', 'cancelled'];
const MINUTE_MS = 60_000;
/** One statement looks at no more minutes than this: between two of them others get their turn. */
const SLICE_MS = 10 * MINUTE_MS;
/**
 * Rows read for their durations; of more ends, so many are drawn. The counts come from the index
 * and read no row.
 */
const MAX_SAMPLE = 10_000;
/**
 * The last digits of a request id are random: those below a threshold are a fair sample, and the
 * index has them.
 */
const SAMPLE_DIGITS = 4;

interface StatsRow {
  minute: number;
  state: FinalState;
  value: number;
}

/**
 * By the minute in which they were accepted: that is the order of the index of ends, and needs no
 * other.
 */
export function createAttemptStats(database: Database): Pick<AttemptStore, 'perMinute' | 'durations'> {
  const { knex } = database;

  /** `value` is SQL, for the rows of each state. */
  const each = async (query: StatsQuery, value: string, extra: { sql: string; bindings: string[] }) => {
    const found: StatsRow[] = [];
    for (let from = query.since; from < query.until; from += SLICE_MS) {
      const to = Math.min(from + SLICE_MS, query.until);
      const { where, bindings } = conditions(query, from, to);
      const parts = STATES.map(
        (state) => `select accepted_at / ${MINUTE_MS} as minute, '${state}' as state, ${value} as value
          from attempts indexed by attempts_ended where state = '${state}' and ${where}${extra.sql}`,
      );
      const all = STATES.flatMap(() => [...bindings, ...extra.bindings]);
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

function conditions({ namespace, function: fn }: StatsQuery, from: number, to: number) {
  const where = `namespace = ? and accepted_at >= ? and accepted_at < ?${fn === undefined ? '' : ' and function = ?'}`;
  return { where, bindings: [namespace, from, to, ...(fn === undefined ? [] : [fn])] };
}
