import type { Knex } from 'knex';
import type { Namespace } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { AuditAction, AuditEntry, AuditStore } from '../../src/ports/store/audit.js';
import type { Database, Query } from '../database.js';
import { sweepOlder } from './sweep-older.js';
import { cleanText } from './text.js';
import { rfc3339 } from './time.js';

interface AuditRow {
  namespace: Namespace;
  id: string;
  at: number;
  actor: string;
  actor_name: string | null;
  action: AuditAction;
  target: string;
  target_name: string | null;
  request_id: string;
}

/** The maximum number of events that one statement deletes. */
const STEP = 500;

const INSERT = `
insert or ignore into audit_events (
  namespace, id, at, actor, actor_name, action, target, target_name, request_id)
select ?, ?, ?, ?, ?, ?, ?, ?, ?`;

/**
 * A SQL condition that is true if and only if the batch makes its change, at the place of the batch
 * where the entry is added.
 */
export interface Happens {
  sql: string;
  bindings: readonly (string | number | null)[];
}

/**
 * Returns the statement that adds an audit entry, for the batch that makes the change; none without
 * an entry.
 */
export function auditQueries(knex: Knex, entry: AuditEntry | null, happens?: Happens): Query<unknown>[] {
  if (entry === null) return [];
  const { namespace, id, at, actor, actorName, action, target, targetName, requestId } = entry;
  const values = [
    ...[namespace, id, at, actor, cleanName(actorName), action],
    ...[target, cleanName(targetName), requestId],
  ];
  const condition = happens === undefined ? '' : ` where ${happens.sql}`;
  return [knex.raw(`${INSERT}${condition}`, [...values, ...(happens?.bindings ?? [])])];
}

/** Creates the repository of audit events. */
export function createAuditStore(database: Database): AuditStore {
  const { knex } = database;
  const events = () => knex<AuditRow>('audit_events');

  return {
    async record(entry) {
      await database.batch(auditQueries(knex, entry), { idempotent: true });
    },

    async list({ namespace, since, actor, limit, cursor }) {
      const page = events()
        .where({ namespace })
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (since !== undefined) page.where('at', '>=', since);
      if (actor !== undefined) page.where({ actor });
      if (cursor !== undefined) page.where('id', '<', fromCursor(cursor));
      const rows = await database.run<AuditRow[]>(page);
      const shown = rows.slice(0, limit);
      return {
        items: shown.map(({ at, actor, actor_name, action, target, target_name, request_id }) => ({
          at: rfc3339(at),
          actor,
          ...(actor_name === null ? {} : { actor_name }),
          action,
          target,
          ...(target_name === null ? {} : { target_name }),
          request_id,
        })),
        nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
      };
    },

    sweep: (before) =>
      sweepOlder(database, 'audit_events', { key: 'namespace, id', time: 'at', limit: STEP }, before),
  };
}

function cleanName(name: string | null): string | null {
  return name === null ? null : cleanText(name);
}

function fromCursor(cursor: string): string {
  if (/^[0-9a-f-]{36}$/.test(cursor)) return cursor;
  throw new AppError(
    'invalid_request',
    `cursor must be a next_cursor of an earlier page, not ${JSON.stringify(cursor)}.`,
  );
}
