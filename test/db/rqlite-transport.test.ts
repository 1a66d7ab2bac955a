import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { isRepeatable, kindOf } from '../../db/drivers/rqlite/statement-kind.js';
import { RqliteTransport } from '../../db/drivers/rqlite/transport.js';
import { send } from '../../db/function-databases/drivers/rqlite-statements.js';
import { guard } from '../../db/function-databases/statement.js';
import { freePort } from '../helpers/free-port.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const json = (status: number, body: unknown): Answer => {
  return (response) => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
};
const ok = json(200, { results: [{ rows_affected: 1 }] });
const reset: Answer = (response) => response.socket?.destroy();
/** Nothing, as from a node whose process is frozen. */
const never: Answer = () => undefined;

/** Starts a node that gives these answers in turn, and then repeats the last one. */
async function aNode(t: ExecutionContext, ...answers: Answer[]) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume().on('end', () => answers[Math.min(seen.length, answers.length) - 1]?.(response, request));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function aTransport(t: ExecutionContext, urls: string[], options = {}) {
  const transport = new RqliteTransport({ urls, retryForMs: 30_000, requestTimeoutMs: 30_000, ...options });
  t.teardown(() => transport.close());
  return (idempotent: boolean, more = {}) => transport.post('/db/request', '[]', { idempotent, ...more });
}

const done = { results: [{ rows_affected: 1 }] };

test('a write to a node that refuses connections is sent to the next node', async (t) => {
  const node = await aNode(t, ok);
  const post = aTransport(t, [`http://127.0.0.1:${await freePort()}`, node.url]);
  t.deepEqual(await post(false), done);
  t.deepEqual(await post(false), done);
  t.is(node.seen.length, 2, 'the second write is sent to the responding node');
});

for (const [what, answer] of [
  ['503', json(503, 'leader not found')],
  ['200 and "leader not found"', json(200, { error: 'leader not found' })],
  ['200 and "not leader"', json(200, { error: 'not leader' })],
  ['200 and "store not ready"', json(200, { error: 'store not ready' })],
  ['500 and "leader not found"', json(500, 'leader not found')],
] as const) {
  test(`a write that gets ${what} is sent again`, async (t) => {
    const node = await aNode(t, answer, answer, ok);
    t.deepEqual(await aTransport(t, [node.url])(false), done);
    t.is(node.seen.length, 3);
  });
}

for (const [what, answer] of [
  ['a reset', reset],
  ['"leadership lost while committing log"', json(200, { error: 'leadership lost while committing log' })],
  ['an unknown error', json(200, { error: 'something new' })],
  // The follower may have sent it before, on a connection that broke.
  [
    'a leader that a follower cannot dial',
    json(200, { error: 'dial tcp 127.0.0.1:4002: connect: connection refused' }),
  ],
  [
    'a truncated response',
    (response) =>
      response.writeHead(200, { 'content-length': '99' }).write('{', () => reset(response, response.req)),
  ],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`after ${what} a write is ambiguous, and an idempotent one is sent again`, async (t) => {
    const node = await aNode(t, answer, ok);
    const post = aTransport(t, [node.url]);
    await t.throwsAsync(post(false), { name: 'RqliteError', code: 'RQLITE_AMBIGUOUS' });
    t.is(node.seen.length, 1);
    const again = await aNode(t, answer, ok);
    t.deepEqual(await aTransport(t, [again.url])(true), done);
    t.is(again.seen.length, 2);
  });
}

const redirect = (leader: string): Answer => {
  return (response, request) => response.writeHead(301, { location: leader + request.url }).end();
};

test('a write is redirected to the leader, and idempotent requests follow it there', async (t) => {
  const leader = await aNode(t, ok);
  const follower = await aNode(t, redirect(leader.url));
  const other = await aNode(t, ok);
  const post = aTransport(t, [follower.url, other.url, leader.url]);
  t.deepEqual(await post(false), done);
  t.deepEqual(await post(true), done);
  t.deepEqual(
    [follower, other, leader].map(({ seen }) => seen.map(({ url }) => url)),
    [['/db/request?redirect'], [], ['/db/request?redirect', '/db/request']],
  );
});

test('a write whose leader is down is sent again until there is another leader', async (t) => {
  const down = `http://127.0.0.1:${await freePort()}`;
  const next = await aNode(t, redirect(down), redirect(down), ok);
  const post = aTransport(t, [next.url, down]);
  t.deepEqual(await post(false), done);
  t.deepEqual(new Set(next.seen.map(({ url }) => url)), new Set(['/db/request?redirect']));
});

test('a write is forwarded only if no configured node is the leader', async (t) => {
  const elsewhere = redirect('http://leader.invalid:4001');
  const nodes = [await aNode(t, elsewhere, ok), await aNode(t, elsewhere)];
  const urls = nodes.map(({ url }) => url);
  t.deepEqual(await aTransport(t, urls)(false), done);
  t.deepEqual(
    nodes.map(({ seen }) => seen.map(({ url }) => url)),
    [['/db/request?redirect', '/db/request'], ['/db/request?redirect']],
  );
});

for (const status of [502, 504]) {
  test(`after ${status} of a proxy a write is ambiguous, and an idempotent one is sent again`, async (t) => {
    const node = await aNode(t, json(status, 'Bad Gateway'), json(status, 'Bad Gateway'), ok);
    const post = aTransport(t, [node.url]);
    await t.throwsAsync(post(false), { code: 'RQLITE_AMBIGUOUS' });
    t.deepEqual(await post(true), done);
  });
}

test('a write that times out is ambiguous', async (t) => {
  const node = await aNode(t, () => undefined);
  await t.throwsAsync(aTransport(t, [node.url], { requestTimeoutMs: 200 })(false), {
    code: 'RQLITE_AMBIGUOUS',
  });
});

test('with all nodes down the first request is retried for retryForMs, and later ones try each node once', async (t) => {
  const nodes = [
    await aNode(t, json(503, 'leader not found')),
    await aNode(t, json(503, 'leader not found')),
  ];
  const post = aTransport(
    t,
    nodes.map(({ url }) => url),
    { retryForMs: 4_000 },
  );
  const asked = () => nodes.reduce((sum, { seen }) => sum + seen.length, 0);
  await t.throwsAsync(post(false), { code: 'RQLITE_UNAVAILABLE' });
  t.true(asked() > 2, 'the first request is retried');
  for (let at = 0; at < 5; at += 1) {
    const before = asked();
    await t.throwsAsync(post(false), { code: 'RQLITE_UNAVAILABLE' });
    t.is(asked() - before, 2);
  }
});

test('requests succeed again after the cluster has recovered', async (t) => {
  const node = await aNode(t, json(503, ''), json(503, ''), ok);
  const post = aTransport(t, [node.url], { retryForMs: 0 });
  await t.throwsAsync(post(true), { code: 'RQLITE_UNAVAILABLE' });
  await t.throwsAsync(post(true), { code: 'RQLITE_UNAVAILABLE' });
  t.deepEqual(await post(true), done);
});

test('credentials of the URL are sent, and a 401 gives RQLITE_UNAUTHORIZED', async (t) => {
  const node = await aNode(t, ok, json(401, ''));
  const post = aTransport(t, [node.url.replace('//', '//bob:s%40me@')]);
  await post(true);
  t.is(node.seen[0]?.headers.authorization, `Basic ${Buffer.from('bob:s@me').toString('base64')}`);
  await t.throwsAsync(post(true), { code: 'RQLITE_UNAUTHORIZED' });
});

test('a response that is not from RQLite or is too large fails without a retry', async (t) => {
  const node = await aNode(
    t,
    json(404, 'nginx'),
    json(200, '<html>'),
    json(200, { results: [], x: 'x'.repeat(999) }),
  );
  const post = aTransport(t, [node.url]);
  await t.throwsAsync(post(true), { code: 'RQLITE_REFUSED', message: /404/ });
  await t.throwsAsync(post(true), { code: 'RQLITE_REFUSED', message: /no JSON/ });
  await t.throwsAsync(post(true, { maxResponseBytes: 100 }), { code: 'RQLITE_TOO_LARGE' });
  t.is(node.seen.length, 3);
});

test('an aborted request fails and is not sent again', async (t) => {
  const invocation = new AbortController();
  const node = await aNode(t, () => invocation.abort());
  const post = aTransport(t, [node.url]);
  await t.throwsAsync(post(true, { signal: invocation.signal }), { code: 'RQLITE_ABORTED' });
  t.is(node.seen.length, 1);
});

test('a node that answers nothing at all is given up: a read goes to the next node, a write is ambiguous', async (t) => {
  const [frozen, node] = [await aNode(t, never), await aNode(t, ok)];
  const patient = { requestTimeoutMs: 600_000 };
  t.deepEqual(await aTransport(t, [frozen.url, node.url], patient)(true), done);
  await t.throwsAsync(aTransport(t, [frozen.url], patient)(false), {
    code: 'RQLITE_AMBIGUOUS',
    message: /does not answer/,
  });
});

test('a read is not retried for long on the only node when that answers nothing', async (t) => {
  const frozen = await aNode(t, never);
  const post = aTransport(t, [frozen.url], { requestTimeoutMs: 600_000, retryForMs: 1 });
  await t.throwsAsync(post(true), { code: 'RQLITE_UNAVAILABLE' });
  const statements = frozen.seen.filter(({ method }) => method === 'POST');
  t.is(statements.length, 1, 'the outage is counted from when the node became silent');
});

test('a write that may be repeated is ambiguous when no repetition is answered either', async (t) => {
  const frozen = await aNode(t, never);
  const post = aTransport(t, [frozen.url], { requestTimeoutMs: 600_000, retryForMs: 1 });
  await t.throwsAsync(post(true, { writes: true }), { code: 'RQLITE_AMBIGUOUS', message: /does not answer/ });
});

test('a statement that takes long is waited for while its node answers others', async (t) => {
  const slow = await aNode(t, (response, request) => {
    if (request.method === 'GET') response.end('[+]node ok');
    else setTimeout(() => ok(response, request), 7_000);
  });
  const post = aTransport(t, [slow.url], { requestTimeoutMs: 600_000, connections: 1 });
  t.deepEqual(await post(false), done);
  t.true(
    slow.seen.some(({ method }) => method === 'GET'),
    'the node was asked whether it still answers',
  );
});

test("a function's statement is sent once, however much longer than other requests it may take", async (t) => {
  const slow: Answer = (response, request) => {
    if (request.method === 'GET') return response.end('[+]node ok');
    const answer = json(200, { results: [{ columns: ['a'], types: ['integer'], values: [[7]] }] });
    return setTimeout(() => answer(response, request), 4_000);
  };
  const nodes = [await aNode(t, slow), await aNode(t, slow), await aNode(t, slow)];
  const urls = nodes.map(({ url }) => url);
  const cluster = new RqliteTransport({ urls, requestTimeoutMs: 500 });
  t.teardown(() => cluster.close());
  const run = async (sql: string, kind: 'query' | 'exec') => {
    const [outcome] = await send(cluster, [{ kind, ...guard(sql, kind), args: [] }], { timeoutMs: 60_000 });
    return outcome?.rows.json;
  };
  t.is(await run('select a from t', 'query'), '[{"a":7}]');
  t.is(await run('insert into t values (7) returning a', 'exec'), '[{"a":7}]');
  const statements = nodes.flatMap(({ seen }) => seen.filter(({ method }) => method === 'POST'));
  t.is(statements.length, 2);
});

for (const sql of [
  'with page as (select 1) select * from page',
  ' WITH RECURSIVE n(i) AS (values (1)) select i from n',
  'select 1',
  'INSERT OR IGNORE into t values (1)',
  'create unique index if not exists i on t (a)',
  'insert into t values (1) on conflict (a) do nothing',
  'with n as (select 1) insert into t select * from n on conflict do nothing ',
]) {
  test(`"${sql}" is sent again when its answer is lost`, (t) => t.true(isRepeatable({ kind: kindOf(sql) })));
}

for (const sql of [
  'with n as (select 1) insert into t select * from n',
  'with n as (select 1) delete from t',
  'insert into t values (1)',
  'update t set a = 1',
  'insert into t values (1) on conflict (a) do nothing; delete from t',
]) {
  test(`"${sql}" is not sent again when its answer is lost`, (t) =>
    t.false(isRepeatable({ kind: kindOf(sql) })));
}

test('a long statement that is full of conflicts is classified at once', (t) => {
  const start = performance.now();
  t.is(kindOf(`INSERT INTO a SELECT 1 /* ${'on conflict '.repeat(40_000)} */`), 'write');
  t.is(kindOf(`INSERT INTO a SELECT 1 ${'on conflict '.repeat(40_000)} DO NOTHING`), 'repeatable write');
  t.is(kindOf(`INSERT INTO a VALUES ('on conflict'); DELETE FROM b WHERE do nothing`), 'write');
  t.true(performance.now() - start < 1000);
});
