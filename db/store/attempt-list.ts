import { FINAL_STATES } from '../../src/contract/invocation-state.js';
import { MAX_OUTCOME_BODY_BYTES, MAX_PAGE_BYTES } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import type { AttemptStore, InvocationQuery, StoredInvocation } from '../../src/ports/store/attempts.js';
import type { Database } from '../database.js';
import { type AttemptRecord, toAttempt, WRITTEN_COLUMNS } from './attempt-row.js';
import { matchesOne } from './function-patterns.js';

/**
 * The limit of an input in a list, in base64 characters as stored: a page contains hundreds of
 * them.
 */
const MAX_LISTED_INPUT = Math.ceil(MAX_OUTCOME_BODY_BYTES / 3) * 4;

/** Without INDEXED BY, SQLite would scan all invocations of the namespace, newest first. */
const CHILDREN = 'attempts indexed by attempts_by_parent';
const FIRED = 'attempts indexed by attempts_by_message';

/** What a list does not show, and inputs, of which it shows only small ones. */
const NOT_LISTED = ['messages', 'input', 'http_request', 'response'];
const COLUMNS = [
  'position',
  'replayed_at',
  ...WRITTEN_COLUMNS.filter((column) => !NOT_LISTED.includes(column)),
]
  .map((column) => `a.${column}`)
  .join(', ');

/** The listed input of an attempt. */
const INPUT = `case when length(a.input) <= ${MAX_LISTED_INPUT} then a.input end`;
/** The bytes of all attempts of an invocation as listed, without reading them. */
const BYTES = `(
  select sum(coalesce(octet_length(a.output), 0) + coalesce(octet_length(a.error), 0) + coalesce(octet_length(${INPUT}), 0))
  from attempts a where a.request_id = page.request_id)`;

/**
 * Creates the listing of invocations. A page is determined from the ends of invocations; then all
 * attempts of its invocations are read. The ends are looked up per state, each in the order of the
 * index, and merged, so that an additional state costs a page and not a scan. A page ends early,
 * with a cursor, when its invocations have MAX_PAGE_BYTES.
 */
export function createAttemptList(database: Database): AttemptStore['list'] {
  const { knex } = database;

  return async (query) => {
    const size = query.limit + 1;
    const { where, bindings } = conditions(query);
    const states = query.state === undefined ? FINAL_STATES : [query.state];
    const table = tableFor(query);
    const ends = states.map(
      (state) => `select * from (
        select accepted_at, request_id from ${table}
        where state = '${state}' and ${where} and not exists (
          select 1 from attempts later
          where later.request_id = attempts.request_id and later.attempt > attempts.attempt)
        order by accepted_at desc, request_id desc limit ?)`,
    );
    const rows = await database.run<ListedRow[]>(
      knex.raw(
        `with page as (
           select * from (${ends.join(' union all ')}) order by accepted_at desc, request_id desc limit ?
         ), sized as materialized (
           select accepted_at, request_id, ${BYTES} as bytes from page
         ), fitting as (
           select accepted_at, request_id, count(*) over () as chosen,
             sum(bytes) over (order by accepted_at desc, request_id desc rows unbounded preceding) - bytes as before
           from sized
         )
         select ${COLUMNS}, '[]' as messages, ${INPUT} as input, null as http_request, null as response, fitting.chosen
         from fitting join attempts a on a.request_id = fitting.request_id
         where fitting.before < ${MAX_PAGE_BYTES}
         order by fitting.accepted_at desc, fitting.request_id desc, a.attempt`,
        [...states.flatMap(() => [...bindings, size]), size],
      ),
    );
    const items = byInvocation(rows);
    const more = items.length > query.limit || items.length < (rows[0]?.chosen ?? 0);
    if (items.length > query.limit) items.pop();
    return { items, nextCursor: more ? toCursor(items.at(-1)) : null };
  };
}

/** `chosen`: the number of invocations on the page if it were not limited in bytes. */
type ListedRow = AttemptRecord & { chosen: number };

function tableFor({ parentId, messageId }: InvocationQuery): string {
  if (parentId !== undefined) return CHILDREN;
  return messageId === undefined ? 'attempts' : FIRED;
}

function conditions({
  namespace,
  function: fn,
  functions,
  reason,
  since,
  before,
  parentId,
  messageId,
  cursor,
}: InvocationQuery) {
  const parts: [sql: string, value: string | number | undefined][] = [
    ['namespace = ?', namespace],
    ['function = ?', fn],
    ['reason = ?', reason],
    ['accepted_at >= ?', since],
    ['accepted_at < ?', before],
    ['parent_id = ?', parentId],
    ['message_id = ?', messageId],
  ];
  const given = parts.filter(([, value]) => value !== undefined);
  const where = given.map(([sql]) => sql);
  const bindings = given.map(([, value]) => value ?? null);
  if (functions !== undefined) {
    where.push(matchesOne(functions));
    bindings.push(...functions);
  }
  if (cursor !== undefined) {
    where.push('(accepted_at, request_id) < (?, ?)');
    bindings.push(...fromCursor(cursor));
  }
  return { where: where.join(' and '), bindings };
}

/** Groups rows by invocation; the rows of an invocation are adjacent. */
function byInvocation(rows: readonly AttemptRecord[]): StoredInvocation[] {
  const now = Date.now();
  const items: StoredInvocation[] = [];
  for (const row of rows) {
    const attempt = toAttempt(row, now);
    const last = items.at(-1);
    if (last?.attempts[0]?.requestId === attempt.requestId) last.attempts.push(attempt);
    else items.push({ attempts: [attempt] });
  }
  return items;
}

function toCursor(item: StoredInvocation | undefined): string | null {
  const end = item?.attempts.at(-1);
  return end === undefined ? null : `${end.acceptedAt}_${end.requestId}`;
}

function fromCursor(cursor: string): [acceptedAt: number, requestId: string] {
  const [, acceptedAt, requestId] = /^(\d{1,15})_([0-9a-f-]{36})$/.exec(cursor) ?? [];
  if (acceptedAt === undefined || requestId === undefined) {
    throw new AppError('invalid_request', `"${cursor}" is no cursor; leave it out to begin with the newest.`);
  }
  return [Number(acceptedAt), requestId];
}
