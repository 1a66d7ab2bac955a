import test from 'ava';
import { RqliteTransport } from '../../db/drivers/rqlite/transport.js';
import { openRqlite } from '../../db/drivers/rqlite.js';
import { toAppError } from '../../db/function-databases/drivers/rqlite-errors.js';
import { send } from '../../db/function-databases/drivers/rqlite-statements.js';
import { guard } from '../../db/function-databases/statement.js';
import { messageOf } from '../../src/errors.js';
import { type ExchangeServer, respondingServer } from '../helpers/exchange.js';

const result = (body: object) => ({ status: 200, response: JSON.stringify(body) });

async function databaseOn(server: ExchangeServer, user = '') {
  return openRqlite({ urls: [server.url.replace('//', `//${user}`)], retryForMs: 0 });
}

const AWAY = /^The store cannot be reached right now; try again in a moment\.$/;
const UNFIT = /^The store cannot take this right now; try again in a moment\.$/;
const FULL = result({ results: [{ error: 'database or disk is full' }] });

for (const [what, answer, code, message, forOperator] of [
  ['no leader', { status: 503, response: 'leader not found' }, 'unavailable', AWAY, /RQLITE_URL/],
  [
    'a lost write',
    result({ error: 'leadership lost while committing log' }),
    'ambiguous_write',
    /before repeating/,
    /RQLite was lost/,
  ],
  ['wrong credentials', { status: 401, response: '' }, 'unavailable', AWAY, /user and password/],
  ['a full disk', FULL, 'ambiguous_write', /did not confirm the write.*before repeating/, /disk .* full/],
  ['another server', { status: 404, response: 'nginx' }, 'unavailable', AWAY, /is not RQLite/],
  [
    'a refused statement',
    result({ results: [{ error: 'no such table: t' }] }),
    'internal',
    /refused an internal query/,
    /no such table: t/,
  ],
] as const) {
  test(`${what} gives the error ${code} without the values of the statement`, async (t) => {
    const server = await respondingServer(answer);
    const database = await databaseOn(server);
    const { knex } = database;
    const expected = { name: 'AppError', code, message };
    const failed = [
      await t.throwsAsync(database.run(knex('t').insert({ secret: 'hunter2' })), expected),
      await t.throwsAsync(database.batch([knex('t').insert({ secret: 'hunter2' })]), expected),
    ];
    for (const error of failed) {
      t.notRegex(messageOf(error), /hunter2|rqlite/i, 'neither values nor servers are named');
      t.regex(messageOf(error?.cause), forOperator);
    }
    await database.close();
    await server.close();
  });
}

test('a full disk refuses a query without doubt: it has written nothing', async (t) => {
  const server = await respondingServer(FULL);
  t.teardown(server.close);
  const database = await databaseOn(server);
  t.teardown(database.close);
  const query = database.knex('t').select();
  await t.throwsAsync(database.run(query), { code: 'unavailable', message: UNFIT });
});

test('a write of a function is in doubt if the disk of the node is full: other nodes may have applied it', async (t) => {
  const server = await respondingServer(FULL);
  t.teardown(server.close);
  const cluster = new RqliteTransport({ urls: [server.url], retryForMs: 0 });
  t.teardown(() => cluster.close());
  const codeOf = async (...kinds: ('exec' | 'query')[]) => {
    const operations = kinds.map((kind) => ({
      kind,
      ...guard(kind === 'exec' ? 'insert into t values (1)' : 'select 1', kind),
      args: [],
    }));
    const error = await t.throwsAsync(send(cluster, operations, { timeoutMs: 10_000 }));
    return toAppError(error, 10_000, false).code;
  };
  t.is(await codeOf('exec'), 'ambiguous_write');
  t.is(await codeOf('exec', 'exec'), 'ambiguous_write');
  t.is(await codeOf('query'), 'unavailable');
});
