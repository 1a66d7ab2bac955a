import type { RequestId } from '../../src/contract/ids.js';
import type { CallbackDelivery, CallbackStore } from '../../src/ports/store/callbacks.js';
import type { Database } from '../database.js';
import { cleanText } from './text.js';

interface CallbackRecord {
  request_id: RequestId;
  url: string;
  attempts: number;
  delivered_at: number | null;
  last_error: string | null;
}

/** The maximum number of rows that one statement of the sweep deletes. */
const STEP = 500;

const COUNT_ATTEMPT = `
insert into callbacks (request_id, url, attempts, delivered_at, last_error, created_at) values (?, ?, 1, ?, ?, ?)
on conflict (request_id) do update set attempts = callbacks.attempts + 1, last_error = excluded.last_error,
delivered_at = coalesce(callbacks.delivered_at, excluded.delivered_at)`;

/** Creates the repository of callback deliveries. */
export function createCallbackStore(database: Database): CallbackStore {
  const { knex } = database;

  return {
    async add(id, url) {
      await database.run(
        knex('callbacks')
          .insert({ request_id: id, url: cleanText(url), attempts: 0, created_at: Date.now() })
          .onConflict('request_id')
          .ignore()
          .options({ idempotent: true }),
      );
    },

    async attempted(id, url, { deliveredAt, error }) {
      const message = error === null ? null : cleanText(error);
      await database.run(knex.raw(COUNT_ATTEMPT, [id, cleanText(url), deliveredAt, message, Date.now()]));
    },

    async get(ids) {
      if (ids.length === 0) return new Map();
      const rows = await database.run<CallbackRecord[]>(
        knex.raw('select * from callbacks where request_id in (select value from json_each(?))', [
          JSON.stringify(ids),
        ]),
      );
      return new Map(rows.map((row) => [row.request_id, toDelivery(row)]));
    },

    async sweep(before) {
      return database.run<number>(
        knex('callbacks')
          .whereRaw(
            `request_id in (select request_id from callbacks where created_at < ? order by created_at limit ${STEP})`,
            [before],
          )
          .delete()
          .options({ idempotent: true }),
      );
    },
  };
}

function toDelivery(row: CallbackRecord): CallbackDelivery {
  return {
    url: row.url,
    attempts: row.attempts,
    deliveredAt: row.delivered_at,
    lastError: row.last_error,
  };
}
