import { messageReplySchema } from '../../contract/http/common.js';
import {
  createTableBodySchema,
  dropTableBodySchema,
  execReplySchema,
  queryReplySchema,
  STATEMENT_TIMEOUT_MS,
  schemaReplySchema,
  sqlBodySchema,
  transactionBodySchema,
  transactionReplySchema,
} from '../../contract/http/data.js';
import { stringifyExact } from '../../json/exact-json.js';
import type { SqlResult } from '../../ports/function-databases.js';
import { rowsText } from '../response/rows-text.js';
import { json, jsonText, routeUsing } from '../route.js';

const route = routeUsing<'databases'>();

const tag = 'Database';
const options = { timeoutMs: STATEMENT_TIMEOUT_MS };

export const query = route({
  operationId: 'queryDatabase',
  method: 'POST',
  isRead: true,
  path: '/v1/rqlite/query',
  tag,
  summary: "Read from the namespace's database",
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: sqlBodySchema,
    example: { sql: 'select id, name from users where age > ?', args: [30] },
    exactIntegers: true,
  },
  responses: { 200: { description: 'The rows.', schema: queryReplySchema } },
  errors: ['invalid_sql', 'unavailable'],
  async handle({ services, namespace, body }) {
    return jsonText(200, rowsText(await services.databases.query(namespace, body.sql, body.args, options)));
  },
});

export const exec = route({
  operationId: 'executeStatement',
  method: 'POST',
  path: '/v1/rqlite/exec',
  tag,
  summary: "Write to the namespace's database",
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: sqlBodySchema,
    example: { sql: 'insert into users (name, age) values (?, ?)', args: ['Ada', 36] },
    exactIntegers: true,
  },
  responses: { 200: { description: 'The result.', schema: execReplySchema } },
  errors: ['invalid_sql', 'unavailable', 'ambiguous_write'],
  async handle({ services, namespace, body }) {
    return json(200, resultOf(await services.databases.execute(namespace, body.sql, body.args, options)));
  },
});

export const transaction = route({
  operationId: 'runTransaction',
  method: 'POST',
  path: '/v1/rqlite/transaction',
  tag,
  summary: 'Run several statements atomically',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: transactionBodySchema,
    example: {
      ops: [
        { kind: 'exec', sql: 'update accounts set cents = cents - ? where id = ?', args: [500, 1] },
        { kind: 'exec', sql: 'update accounts set cents = cents + ? where id = ?', args: [500, 2] },
      ],
    },
    exactIntegers: true,
  },
  responses: {
    200: {
      description: 'One result per statement; none with `return_results: false`.',
      schema: transactionReplySchema,
    },
  },
  errors: ['invalid_sql', 'unavailable', 'ambiguous_write'],
  async handle({ services, namespace, body }) {
    const results = await services.databases.transaction(namespace, body.ops, options);
    const texts = results.map((result) =>
      'count' in result ? rowsText(result) : stringifyExact(resultOf(result)),
    );
    return jsonText(200, `{"results":[${body.return_results ? texts.join(',') : ''}]}`);
  },
});

export const createTable = route({
  operationId: 'createTable',
  method: 'POST',
  path: '/v1/rqlite/create-table',
  tag,
  summary: 'Create a table with a CREATE TABLE statement',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: createTableBodySchema,
    example: { schema: 'create table users (id integer primary key, name text)' },
  },
  responses: { 201: { description: 'Created.', schema: messageReplySchema } },
  errors: ['invalid_sql', 'unavailable', 'ambiguous_write'],
  async handle({ services, namespace, body }) {
    await services.databases.execute(namespace, body.schema, [], options);
    return json(201, { message: 'Created.' });
  },
});

export const dropTable = route({
  operationId: 'dropTable',
  method: 'POST',
  path: '/v1/rqlite/drop-table',
  tag,
  summary: 'Drop a table',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: dropTableBodySchema, example: { table: 'users' } },
  responses: { 200: { description: 'Dropped.', schema: messageReplySchema } },
  errors: ['invalid_sql', 'unavailable', 'ambiguous_write'],
  async handle({ services, namespace, body }) {
    await services.databases.execute(namespace, `DROP TABLE "${body.table}"`, [], options);
    return json(200, { message: `Table "${body.table}" dropped.` });
  },
});

export const getSchema = route({
  operationId: 'getDatabaseSchema',
  method: 'GET',
  path: '/v1/rqlite/schema',
  tag,
  summary: 'List the tables, indexes and views of the database',
  access: 'required',
  scope: 'data',
  responses: { 200: { description: 'The schema, sorted by name.', schema: schemaReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace }) {
    const sql =
      "SELECT name, type, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    const tables = await services.databases.query(namespace, sql, [], options);
    return jsonText(200, `{"tables":${tables.json},"count":${tables.count}}`);
  },
});

function resultOf({ rowsAffected, lastInsertId }: SqlResult) {
  return { rows_affected: rowsAffected, last_insert_id: lastInsertId };
}
