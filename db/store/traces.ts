import * as z from 'zod';
import { functionNameSchema, type Namespace, type RequestId } from '../../src/contract/ids.js';
import { traceSchema } from '../../src/contract/trace.js';
import type { StoredTrace, TraceStore } from '../../src/ports/store/traces.js';
import type { Database } from '../database.js';
import { sweepOlder } from './sweep-older.js';

/** The maximum number of rows that one statement of the sweep deletes: each may be a megabyte. */
const STEP = 50;

const rowSchema = z.object({ function: functionNameSchema, trace: z.string() });

/** Creates the repository of traces. */
export function createTraceStore(database: Database): TraceStore {
  const { knex } = database;

  return {
    async put({ namespace, function: name, trace }: StoredTrace) {
      const row = {
        request_id: trace.request_id,
        attempt: trace.attempt,
        namespace,
        function: name,
        trace: JSON.stringify(trace),
        created_at: Date.now(),
      };
      const insert = knex('traces').insert(row).onConflict(['request_id', 'attempt']).merge();
      await database.run(insert.options({ idempotent: true }));
    },

    async get(namespace: Namespace, id: RequestId, attempt?: number) {
      const query = knex('traces').select('function', 'trace').where({ namespace, request_id: id });
      if (attempt !== undefined) query.where({ attempt });
      const rows = await database.run<unknown[]>(query.orderBy('attempt', 'desc').limit(1));
      if (rows[0] === undefined) return null;
      const { function: name, trace } = rowSchema.parse(rows[0]);
      return { namespace, function: name, trace: traceSchema.parse(JSON.parse(trace)) };
    },

    sweep: (before) =>
      sweepOlder(database, 'traces', { key: 'request_id, attempt', time: 'created_at', limit: STEP }, before),
  };
}
