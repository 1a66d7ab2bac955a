import { fileURLToPath } from 'node:url';
import test from 'ava';
import knex from 'knex';
import { RqliteClient, type RqliteClientConfig } from '../../db/drivers/rqlite/client.js';
import { converse } from '../conformance/rqlite-conversation.js';
import { recordingServer, replayingServer, saveExchanges } from '../helpers/exchange.js';
import { findRqlited, startRqlite } from '../helpers/rqlited.js';

/** Recorded with rqlited 10. To record again, run this file with a server and RECORD=rqlite. */
const RECORDED = fileURLToPath(new URL('../../../test/fixtures/rqlite/conversation.json', import.meta.url));
const binary = findRqlited();

const connect = (url: string) => {
  const config: RqliteClientConfig = { client: RqliteClient, rqlite: { urls: [url], retryForMs: 0 } };
  return knex(config);
};

test('recorded exchange: the requests of the dialect match the recorded ones', async (t) => {
  const server = await replayingServer(RECORDED);
  const client = connect(server.url);
  await converse(t, client);
  t.true(server.exchanges.length > 10);
  await client.destroy();
  await server.close();
});

if (binary !== null) {
  test.before('the responses of the server match the recorded exchange', async (t) => {
    const cluster = await startRqlite(binary);
    const server = await recordingServer(cluster.urls[0] ?? '');
    const client = connect(server.url);
    await converse(t, client);
    await client.destroy();
    if (process.env.RECORD === 'rqlite') saveExchanges(RECORDED, server.exchanges);
    const replay = await replayingServer(RECORDED);
    for (const { method, path, request, response } of server.exchanges) {
      const init = method === 'GET' ? {} : { body: request };
      const answer = await fetch(replay.url + path, { method, ...init });
      t.deepEqual(JSON.parse(await answer.text()), JSON.parse(response));
    }
    await Promise.all([replay.close(), server.close()]);
    await cluster.close();
  });
}
