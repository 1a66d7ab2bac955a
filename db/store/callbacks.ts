import type { RequestId } from '../../src/contract/ids.js';
import { DAY_MS, MAX_CALLBACK_ATTEMPTS } from '../../src/contract/limits.js';
import type { CallbackDelivery, CallbackStore, WaitingCallbacks } from '../../src/ports/store/callbacks.js';
import type { Database } from '../database.js';
import { sweepOlder } from './sweep-older.js';
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
insert into callbacks (request_id, url, attempts, delivered_at, last_error, created_at, ended_at)
values (?, ?, 1, ?, ?, ?, ?)
on conflict (request_id) do update set attempts = callbacks.attempts + 1, last_error = excluded.last_error,
delivered_at = coalesce(callbacks.delivered_at, excluded.delivered_at),
ended_at = coalesce(callbacks.ended_at, excluded.ended_at,
  case when callbacks.attempts + 1 >= ${MAX_CALLBACK_ATTEMPTS} then excluded.created_at end)`;

const WAITING_MS = DAY_MS;
const WAITING = `
select count(*) as count, coalesce(sum(bytes), 0) as bytes from callbacks indexed by callbacks_waiting
where namespace = ? and ended_at is null and created_at > ?`;

const PENDING = `
select request_id from callbacks indexed by callbacks_waiting
where ended_at is null and created_at < ? order by created_at limit ?`;

const GIVE_UP = `
update callbacks set ended_at = ?, last_error = ?
where ended_at is null and request_id in (select value from json_each(?))`;

/** Creates the repository of callback deliveries. */
export function createCallbackStore(database: Database): CallbackStore {
  const { knex } = database;

  return {
    async add({ id, namespace, url, bytes }) {
      const row = {
        request_id: id,
        namespace,
        url: cleanText(url),
        bytes,
        attempts: 0,
        created_at: Date.now(),
      };
      await database.run(
        knex('callbacks').insert(row).onConflict('request_id').ignore().options({ idempotent: true }),
      );
    },

    async attempted(id, url, { deliveredAt, error, isLast }) {
      const lastError = error === null ? null : cleanText(error);
      const now = Date.now();
      const endedAt = isLast || deliveredAt !== null ? now : null;
      await database.run(knex.raw(COUNT_ATTEMPT, [id, cleanText(url), deliveredAt, lastError, now, endedAt]));
    },

    async waiting(namespace) {
      const [found] = await database.run<WaitingCallbacks[]>(
        knex.raw(WAITING, [namespace, Date.now() - WAITING_MS]),
      );
      return { count: Number(found?.count ?? 0), bytes: Number(found?.bytes ?? 0) };
    },

    async pending(before, limit) {
      const rows = await database.run<{ request_id: RequestId }[]>(knex.raw(PENDING, [before, limit]));
      return rows.map((row) => row.request_id);
    },

    async giveUp(ids, error) {
      await database.run(
        knex.raw(GIVE_UP, [Date.now(), error, JSON.stringify(ids)]).options({ idempotent: true }),
      );
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

    sweep: (before) =>
      sweepOlder(database, 'callbacks', { key: 'request_id', time: 'created_at', limit: STEP }, before),
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
