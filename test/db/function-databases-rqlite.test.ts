import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { RqliteTransport } from '../../db/drivers/rqlite/transport.js';
import { parseAddress } from '../../db/function-databases/drivers/rqlite-address.js';
import { RqliteClusters } from '../../db/function-databases/drivers/rqlite-clusters.js';
import { send } from '../../db/function-databases/drivers/rqlite-statements.js';
import { guard } from '../../db/function-databases/statement.js';
import { openStore } from '../../db/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { messageOf } from '../../src/errors.js';
import { testFunctionDatabases } from '../conformance/function-databases.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { type RqliteCluster, startRqlite } from '../helpers/rqlited.js';
import { shared } from '../helpers/shared.js';

const limits = { timeoutMs: 30_000 };

onRqlite('functions’ databases pass their conformance suite', (binary) => {
  const servers = shared(async () => {
    const clusters = await Promise.all([startRqlite(binary), startRqlite(binary)]);
    return { clusters, close: async () => void (await Promise.all(clusters.map((one) => one.close()))) };
  });
  /** The namespace is the port, so that each test namespace uses a server of its own. */
  const portOf = (cluster: RqliteCluster | undefined) => new URL(cluster?.urls[0] ?? 'http://x').port;

  testFunctionDatabases('rqlite', async () => {
    const { clusters } = await servers();
    const databases = await openParsedDatabases({
      driver: 'rqlite',
      url: 'http://127.0.0.1:{namespace}',
      namespace: namespaceSchema.parse('default'),
    });
    const [one, two] = clusters.map((cluster) => namespaceSchema.parse(portOf(cluster)));
    if (one === undefined || two === undefined) throw new Error('two servers are needed');
    return { databases, namespaces: [one, two], close: () => databases.close() };
  });

  test('without {namespace} in the URL only the configured namespace can use the database', async (t) => {
    const { clusters } = await servers();
    const databases = await openParsedDatabases({
      driver: 'rqlite',
      url: clusters[0]?.urls.join(',') ?? '',
      namespace: namespaceSchema.parse('mine'),
    });
    await databases.ping();
    t.deepEqual(await databases.query(namespaceSchema.parse('mine'), 'select 1 as one', [], limits), [
      { one: 1 },
    ]);
    await t.throwsAsync(databases.query(namespaceSchema.parse('other'), 'select 1', [], limits), {
      code: 'forbidden',
      message: /belongs to namespace mine/,
    });
    await databases.close();
  });

  test('no connection is closed while a statement uses it, and the least recently used one of the others is', async (t) => {
    const { clusters } = await servers();
    const [one, two] = clusters.map((cluster) => namespaceSchema.parse(portOf(cluster)));
    if (one === undefined || two === undefined) throw new Error('two servers are needed');
    const address = parseAddress('http://127.0.0.1:{namespace}');
    const databases = new RqliteClusters(address, namespaceSchema.parse('default'), 1);
    t.teardown(() => databases.close());
    const opened = (name: typeof one) => databases.use(name, async (transport) => transport);
    const first = await opened(one);
    let isBusy = true;
    const slow = `create table slow as
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select sum(i) as total from n`;
    const written = databases
      .use(one, (transport) => transport.post('/db/execute', JSON.stringify([slow]), { idempotent: false }))
      .finally(() => {
        isBusy = false;
      });
    const second = await opened(two);
    await opened(two);
    t.true(isBusy);
    t.is(await opened(one), first);
    t.is((await written).results?.[0]?.error, undefined);
    // Not more than one stays open.
    t.not(await opened(two), second);
    t.not(await opened(one), first);
  });

  test('a database that contains the tables of the engine is rejected', async (t) => {
    const cluster = await startRqlite(binary);
    t.teardown(() => cluster.close());
    const [url = ''] = cluster.urls;
    await (await openStore({ driver: 'rqlite', urls: cluster.urls })).close();
    const namespace = namespaceSchema.parse('mine');
    const refused = { code: 'bad_config', message: /its own tables/ } as const;
    await t.throwsAsync(openParsedDatabases({ driver: 'rqlite', url, namespace }), refused);
    const databases = await openParsedDatabases({
      driver: 'rqlite',
      url: 'http://127.0.0.1:{namespace}',
      namespace,
    });
    const port = namespaceSchema.parse(new URL(url).port);
    await t.throwsAsync(databases.query(port, 'select * from api_keys', [], limits), refused);
    await databases.close();
  });
});

test('what counts towards database_mb is 0 on RQLite, also while it cannot be reached', async (t) => {
  const namespace = namespaceSchema.parse('mine');
  const url = 'http://127.0.0.1:1/{namespace}';
  const databases = await openParsedDatabases({ driver: 'rqlite', url, namespace });
  t.teardown(() => databases.close());
  await t.throwsAsync(databases.bytes(namespace), { code: 'unavailable' });
  t.is(await databases.quotaBytes(namespace), 0);
});

test('an unreachable RQLite fails at open, or with {namespace} in the URL at the first statement', async (t) => {
  const namespace = namespaceSchema.parse('mine');
  await t.throwsAsync(openParsedDatabases({ driver: 'rqlite', url: 'http://127.0.0.1:1', namespace }), {
    code: 'bad_config',
    message: /FUNCTION_DB_URL/,
  });
  const url = 'http://127.0.0.1:1/{namespace}';
  const databases = await openParsedDatabases({ driver: 'rqlite', url, namespace });
  // What a function reads names no server; the operator reads it in the log.
  const error = await t.throwsAsync(databases.execute(namespace, 'create table t (a)', [], limits), {
    code: 'unavailable',
    message: 'The database of this namespace cannot be reached right now; try again in a moment.',
  });
  t.regex(messageOf(error?.cause), /FUNCTION_DB_URL/);
  await databases.close();
});

test('a URL that could give two namespaces one database is rejected', async (t) => {
  const namespace = namespaceSchema.parse('mine');
  for (const url of ['http://{namespace}:secret@127.0.0.1:1', 'http://127.0.0.1:1/?{namespace}']) {
    await t.throwsAsync(
      openParsedDatabases({ driver: 'rqlite', url, namespace }),
      { code: 'bad_config' },
      url,
    );
  }
  const url = 'http://{namespace}.localhost:1';
  const databases = await openParsedDatabases({ driver: 'rqlite', url, namespace });
  await t.throwsAsync(databases.query(namespaceSchema.parse('Mine'), 'select 1', [], limits), {
    code: 'forbidden',
    message: /means the same as mine/,
  });
  await databases.close();
});

test('two names of one port or address do not share a database', (t) => {
  const refused = (url: string, names: readonly string[]) => {
    for (const name of names)
      t.throws(() => parseAddress(url).urlsFor(name), { code: 'forbidden' }, `${name} in ${url}`);
  };
  const port = 'http://127.0.0.1:{namespace}';
  t.deepEqual(parseAddress(port).urlsFor('4001'), ['http://127.0.0.1:4001']);
  refused(port, ['04001', '004001']);
  const address = 'http://10.0.0.{namespace}:4001/';
  t.deepEqual(parseAddress(address).urlsFor('8'), ['http://10.0.0.8:4001/']);
  refused(address, ['010', '0x8', '0X8', '0x']);
  const path = 'http://127.0.0.1:4001/{namespace}';
  for (const name of ['04001', '4001', 'Mine', 'mine', '0x8', '0'])
    t.deepEqual(parseAddress(path).urlsFor(name), [`http://127.0.0.1:4001/${name}`]);
});

test('a write whose deadline passes before the server has answered is not reported as stopped', async (t) => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const transport = new RqliteTransport({ urls: [`http://127.0.0.1:${port}`] });
  t.teardown(() => transport.close());
  const run = (kind: 'query' | 'exec', sql: string, timeoutMs: number) =>
    send(transport, [{ kind, ...guard(sql, kind), args: [] }], { timeoutMs });
  // Long enough for a busy machine to send it.
  await t.throwsAsync(run('exec', 'delete from t', 3000), { code: 'RQLITE_AMBIGUOUS' });
  await t.throwsAsync(run('query', 'select 1', 300), { code: 'RQLITE_TIMEOUT' });

  const nobody = new RqliteTransport({ urls: ['http://127.0.0.1:1'] });
  t.teardown(() => nobody.close());
  const unsent = { kind: 'exec', ...guard('delete from t', 'exec'), args: [] } as const;
  await t.throwsAsync(send(nobody, [unsent], { timeoutMs: 300 }), { code: 'RQLITE_TIMEOUT' });
});

test('a query whose text must be read a second time is stopped at its deadline', async (t) => {
  const results = [{ columns: ['a'], types: ['text'], values: [['\ufffd']] }];
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume();
    requests += 1;
    if (requests === 1) setTimeout(() => response.end(JSON.stringify({ results })), 2000);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const transport = new RqliteTransport({ urls: [`http://127.0.0.1:${port}`] });
  t.teardown(() => transport.close());
  const query = { kind: 'query', ...guard('select a from t', 'query'), args: [] } as const;
  const since = performance.now();
  await t.throwsAsync(send(transport, [query], { timeoutMs: 3000 }), { code: 'RQLITE_TIMEOUT' });
  const took = performance.now() - since;
  t.true(requests > 1);
  t.true(took < 4500, `${took} ms`);
});
