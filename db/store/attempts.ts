import { FairLimiter, type FairLimits } from '../../src/concurrency/fair-limiter.js';
import type { AttemptRow, AttemptStore } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { createAttemptList } from './attempt-list.js';
import { createAttemptLogs } from './attempt-logs.js';
import { type AttemptRecord, INSERT_ATTEMPTS, toAttempt, toTuple, WRITTEN_COLUMNS } from './attempt-row.js';
import { createAttemptStats } from './attempt-stats.js';
import { createAttemptSweep } from './attempt-sweep.js';
import { createAttemptTally } from './attempt-tally.js';
import { createDeadLetters } from './dead-letters.js';
import { createVersionFigures } from './version-figures.js';

/** The limits of one statement: a larger one would block all statements after it. */
const MAX_ROWS = 500;
const MAX_CHARACTERS = 4 << 20;

/**
 * Pages of logs and of invocations that are read at once. Each has up to 8 MB and is in memory
 * several times, as rows, as records and as text.
 */
const LARGE_READS: FairLimits = { each: 4, all: 16 };

/** The columns of an attempt except its messages, which only logs show. */
const COLUMNS = WRITTEN_COLUMNS.filter((column) => column !== 'messages');

/** Creates the repository of attempts. */
export function createAttemptStore(database: Database): AttemptStore {
  const { knex } = database;
  const tally = createAttemptTally(database);
  const limiter = new FairLimiter(LARGE_READS);
  const [logs, list] = [createAttemptLogs(database), createAttemptList(database)];

  return {
    async write(rows) {
      for (const chunk of inChunks(rows)) {
        await database.run(knex.raw(INSERT_ATTEMPTS, [chunk]).options({ idempotent: true }));
      }
    },

    logs: (query) => limiter.run(query.namespace, () => logs(query)),

    async invocation(id) {
      const rows = await database.run<AttemptRecord[]>(
        knex<AttemptRecord>('attempts')
          .where({ request_id: id })
          .orderBy('attempt')
          .select('position', 'replayed_at', ...COLUMNS, knex.raw("'[]' as messages")),
      );
      const now = Date.now();
      return rows.length === 0 ? null : { attempts: rows.map((row) => toAttempt(row, now)) };
    },

    list: (query) => limiter.run(query.namespace, () => list(query)),
    figures: createVersionFigures(database),
    ...createAttemptStats(database),
    ...createDeadLetters(database),

    async countEnded() {
      return (await tally()).ended;
    },

    sweep: createAttemptSweep(database, tally),
  };
}

/** Encodes the rows as JSON arrays of tuples, each within the limits of a statement. */
function* inChunks(rows: readonly AttemptRow[]): Generator<string> {
  let tuples: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const tuple = JSON.stringify(toTuple(row));
    if (tuples.length === MAX_ROWS || (tuples.length > 0 && characters + tuple.length > MAX_CHARACTERS)) {
      yield `[${tuples.join(',')}]`;
      tuples = [];
      characters = 0;
    }
    tuples.push(tuple);
    characters += tuple.length;
  }
  if (tuples.length > 0) yield `[${tuples.join(',')}]`;
}
