import type { AttemptStore } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import type { AttemptTally } from './attempt-tally.js';

/** The maximum number of invocations or outputs per statement. */
const STEP = 500;
/** The maximum number of log rows that one statement examines. */
const WINDOW = 2_000;
/** The maximum number of windows without old rows that one call scans. */
const MAX_WINDOWS = 10;

const EXPIRED_OUTPUTS = `position in (
  select position from attempts indexed by attempts_with_output
  where output is not null and output_expires_at <= ? order by output_expires_at limit ${STEP})`;

const EXPIRED_INPUTS = `position in (
  select position from attempts indexed by attempts_with_input
  where input is not null and output is null and state <> 'dead' and replayed_at is null
  and output_expires_at <= ? order by output_expires_at limit ${STEP})`;

/** A replay of a dead letter needs its input, which may also be inspected afterwards. */
const KEEPS_INPUT = "state = 'dead' or replayed_at is not null";

const OLD_DEAD = `position in (
  select position from attempts indexed by attempts_dead where state = 'dead' and completed_at < ? limit ${STEP})`;

/**
 * The table is in the order of writing, which is nearly that of starting: old rows come first, so
 * no index is needed.
 */
const SEE_WINDOW = `
select max(position) as last, coalesce(min(started_at), 0) as oldest
from (select position, started_at from attempts not indexed where position > ? order by position limit ${WINDOW})`;

/** All attempts of a dead invocation are kept as long as the dead letter. */
const OLD_LOGS = `position > ? and position <= ? and started_at < ? and not exists (
  select 1 from attempts dead where dead.request_id = attempts.request_id and dead.state = 'dead')`;

/**
 * Creates the sweep, which deletes expired outputs, responses and inputs, old logs and old dead
 * letters in limited steps. Resolves with the number of changed rows; 0 when nothing is left.
 */
export function createAttemptSweep(database: Database, tally: AttemptTally): AttemptStore['sweep'] {
  const { knex } = database;
  /**
   * The position up to which logs were swept: dead letters are kept longer than the log around
   * them, so the next call continues after them instead of scanning them again.
   */
  let walkedTo = 0;

  const where = (condition: string, bindings: number[]) =>
    knex('attempts').whereRaw(condition, bindings).options({ idempotent: true });

  async function dropLogs(before: number, counted: number): Promise<number> {
    for (let windows = 0; windows < MAX_WINDOWS; windows += 1) {
      const [window] = await database.run<{ last: number | null; oldest: number }[]>(
        knex.raw(SEE_WINDOW, [walkedTo]),
      );
      if (window === undefined || window.last === null || window.oldest >= before) {
        // No old rows are left; the next call starts from the beginning.
        walkedTo = 0;
        return 0;
      }
      const last = Math.min(window.last, counted);
      const dropped = await database.run(where(OLD_LOGS, [walkedTo, last, before]).delete());
      walkedTo = window.last;
      if (dropped > 0) return dropped;
    }
    return 0;
  }

  return async ({ logsBefore, deadBefore, now }) => {
    // Rows must be counted before they are deleted.
    const { position } = await tally();
    const outputs = await database.run(
      where(EXPIRED_OUTPUTS, [now]).update({
        output: null,
        response: null,
        input: knex.raw(`case when ${KEEPS_INPUT} then input end`),
        http_request: knex.raw(`case when ${KEEPS_INPUT} then http_request end`),
      }),
    );
    const inputs = await database.run(
      where(EXPIRED_INPUTS, [now]).update({ response: null, input: null, http_request: null }),
    );
    // Its log has a limit of its own, which may be longer.
    const dead = await database.run(
      where(OLD_DEAD, [deadBefore]).update({
        state: knex.ref('status'),
        reason: null,
        input: null,
        http_request: null,
      }),
    );
    return outputs + inputs + dead + (await dropLogs(logsBefore, position));
  };
}
