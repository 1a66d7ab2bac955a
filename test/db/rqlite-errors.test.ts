import test from 'ava';
import { openRqlite } from '../../db/drivers/rqlite.js';
import { type ExchangeServer, respondingServer } from '../helpers/exchange.js';

const result = (body: object) => ({ status: 200, response: JSON.stringify(body) });

async function databaseOn(server: ExchangeServer, user = '') {
  return openRqlite({ urls: [server.url.replace('//', `//${user}`)], retryForMs: 0 });
}

for (const [what, answer, code, message] of [
  ['no leader', { status: 503, response: 'leader not found' }, 'unavailable', /RQLITE_URL/],
  [
    'a lost write',
    result({ error: 'leadership lost while committing log' }),
    'ambiguous_write',
    /before repeating/,
  ],
  ['wrong credentials', { status: 401, response: '' }, 'unavailable', /user and password/],
  [
    'a full disk',
    result({ results: [{ error: 'database or disk is full' }] }),
    'unavailable',
    /disk .* full/,
  ],
  ['another server', { status: 404, response: 'nginx' }, 'unavailable', /speak as RQLite/],
  [
    'a refused statement',
    result({ results: [{ error: 'no such table: t' }] }),
    'internal',
    /refused a statement of the engine's own/,
  ],
] as const) {
  test(`${what} gives the error ${code} without the values of the statement`, async (t) => {
    const server = await respondingServer(answer);
    const database = await databaseOn(server);
    const { knex } = database;
    const expected = { name: 'AppError', code, message };
    await t.throwsAsync(database.run(knex('t').insert({ secret: 'hunter2' })), expected);
    const error = await t.throwsAsync(database.batch([knex('t').insert({ secret: 'hunter2' })]), expected);
    t.false(error?.message.includes('hunter2'), 'the message contains no value');
    await database.close();
    await server.close();
  });
}
