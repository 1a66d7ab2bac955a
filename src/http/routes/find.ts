import { queryReplySchema, STATEMENT_TIMEOUT_MS } from '../../contract/http/data.js';
import {
  type FindBody,
  findBodySchema,
  rowReplySchema,
  type SelectBody,
  selectBodySchema,
} from '../../contract/http/find.js';
import { AppError } from '../../errors.js';
import type { Selection } from '../../ports/function-databases.js';
import { onlyRowText, rowsText } from '../response/rows-text.js';
import { jsonText, routeUsing } from '../route.js';

const route = routeUsing<'databases'>();

const tag = 'Database';
const options = { timeoutMs: STATEMENT_TIMEOUT_MS };

export const find = route({
  operationId: 'findRows',
  method: 'POST',
  isRead: true,
  path: '/v1/rqlite/find',
  tag,
  summary: 'Find rows of a table by the values of their columns',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: findBodySchema,
    example: { table: 'users', criteria: { name: 'Ada' }, order_by: ['id DESC'], limit: 10 },
    exactIntegers: true,
  },
  responses: { 200: { description: 'The rows.', schema: queryReplySchema } },
  errors: ['invalid_sql', 'unavailable'],
  async handle({ services, namespace, body }) {
    return jsonText(200, rowsText(await services.databases.select(namespace, ofFind(body), options)));
  },
});

export const findOne = route({
  operationId: 'findRow',
  method: 'POST',
  isRead: true,
  path: '/v1/rqlite/find-one',
  tag,
  summary: 'Find the first row of a table by the values of its columns',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: findBodySchema,
    example: { table: 'users', criteria: { name: 'Ada' }, order_by: ['id DESC'], limit: 10 },
    exactIntegers: true,
  },
  responses: { 200: { description: 'The row.', schema: rowReplySchema } },
  errors: ['invalid_sql', 'not_found', 'unavailable'],
  async handle({ services, namespace, body }) {
    const rows = await services.databases.select(namespace, { ...ofFind(body), limit: 1 }, options);
    return jsonText(200, onlyRowText(rows) ?? refuseNone(body.table));
  },
});

export const select = route({
  operationId: 'selectRows',
  method: 'POST',
  isRead: true,
  path: '/v1/rqlite/select',
  tag,
  summary: 'Run a structured SELECT',
  description:
    'Conditions are combined in order; AND binds tighter than OR. Expressions follow the same rules as statements.',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: selectBodySchema,
    example: { table: 'users', select: ['name'], where: [{ expr: 'age > ?', args: [30] }], limit: 10 },
    exactIntegers: true,
  },
  responses: {
    200: {
      description: 'The rows; with `one` only the first row.',
      schema: queryReplySchema.or(rowReplySchema),
    },
  },
  errors: ['invalid_sql', 'not_found', 'unavailable'],
  async handle({ services, namespace, body }) {
    const selection = ofSelect(body);
    if (!body.one)
      return jsonText(200, rowsText(await services.databases.select(namespace, selection, options)));
    const rows = await services.databases.select(namespace, { ...selection, limit: 1 }, options);
    return jsonText(200, onlyRowText(rows) ?? refuseNone(body.table));
  },
});

function refuseNone(table: string): never {
  throw new AppError('not_found', `No row of "${table}" meets the conditions.`);
}

function ofFind({ table, criteria = [], options: inner, ...outer }: FindBody): Selection {
  const either = <T>(own: readonly T[] | undefined, beside: readonly T[]) => (own?.length ? own : beside);
  return {
    table,
    columns: either(inner?.select, outer.select),
    joins: either(inner?.joins, outer.joins),
    where: criteria.map(([column, value]) => ({ conj: 'AND', column, value })),
    groupBy: either(inner?.group_by, outer.group_by),
    orderBy: either(inner?.order_by, outer.order_by),
    limit: inner?.limit ?? outer.limit ?? undefined,
    offset: inner?.offset ?? outer.offset ?? undefined,
  };
}

function ofSelect(body: SelectBody): Selection {
  return {
    table: body.table,
    alias: body.alias ?? undefined,
    columns: body.select,
    joins: body.joins,
    where: body.where,
    groupBy: body.group_by,
    orderBy: body.order_by,
    limit: body.limit ?? undefined,
    offset: body.offset ?? undefined,
  };
}
