import test from 'ava';
import { requestIdSchema } from '../../src/contract/ids.js';
import { run } from './running.js';

test('bindings from env and from the orama module call the host functions and return their results', async (t) => {
  const calls: unknown[] = [];
  const stored = new Map<string, Uint8Array>();
  const source = `import { CACHE, DB, enqueue, publish, SECRETS, STORAGE } from 'orama';
    export default async (_: unknown, env: any) => {
      await CACHE.put('k', 'väl', { expirationTtl: 60 });
      await env.CACHE.put('bytes', new Uint8Array([1, 2]));
      const cid = await STORAGE.put('content');
      return [
        env.CACHE === CACHE,
        await CACHE.get('k'), await CACHE.get('bytes', 'arrayBuffer').then((b) => [...new Uint8Array(b!)]), await CACHE.get('none'),
        await CACHE.increment('n', 5), await CACHE.delete('k'),
        await SECRETS.get('S'), await SECRETS.get('none'),
        (await DB.prepare('SELECT ? AS a, ? AS b').bind(9007199254740993n, new Uint8Array([255])).all()).results.map((row: any) => [typeof row.one, String(row.one), row.small, row.part, [...row.blob]]),
        await DB.prepare('-- why\\nselect 1 as one').first('one'), await DB.prepare('select none').first(),
        (await DB.prepare('INSERT INTO t VALUES (?)').bind('x').run()).meta.changes,
        cid, await (await STORAGE.get(cid))!.text(), await STORAGE.get('none'),
        await publish('a:b', { x: 1 }), await enqueue('other', [1], { delay: 3 }),
      ];
    };`;
  const outcome = await run(source, '', {
    host: {
      cache_set: async (key, value, ttl) => {
        calls.push(['set', key, ttl]);
        stored.set(key, value);
      },
      cache_get: async (key) => stored.get(key) ?? null,
      cache_incr: async () => 11n,
      cache_incr_by: async (_key, delta) => 10n + delta,
      cache_delete: async () => true,
      get_secret: async (name) => (name === 'S' ? 'secret' : null),
      db_query: async (sql, args) => {
        calls.push(['query', sql, args]);
        if (sql.includes('none')) return '[]';
        return sql.includes('as one')
          ? '[{"one":1}]'
          : '[{"one":9007199254740993,"small":7,"part":0.1234567890123456,"blob":{"$blob":"/w=="}}]';
      },
      db_execute: async (sql, args) => {
        calls.push(['execute', sql, args]);
        return 4;
      },
      storage_put: async (data) => {
        stored.set('cid', data);
        return 'cid';
      },
      storage_get: async (cid) => stored.get(cid) ?? null,
      pubsub_publish: async (topic, data) => {
        calls.push(['publish', topic, new TextDecoder().decode(data)]);
        return 1;
      },
      enqueue: async (name, payload, delay) => {
        calls.push(['enqueue', name, new TextDecoder().decode(payload), delay]);
        return requestIdSchema.parse('01890000-0000-7000-8000-000000000002');
      },
    },
  });
  t.is(outcome.error, null, outcome.log.join('\n'));
  t.deepEqual(JSON.parse(outcome.output), [
    ...[true, 'väl', [1, 2], null, 15, true, 'secret', null],
    ...[[['bigint', '9007199254740993', 7, 0.1234567890123456, [255]]], 1, null, 4, 'cid', 'content', null],
    ...[null, '01890000-0000-7000-8000-000000000002'],
  ]);
  t.deepEqual(calls, [
    ['set', 'k', 60],
    ['set', 'bytes', 0],
    ['query', 'SELECT ? AS a, ? AS b', '[9007199254740993,{"$blob":"/w=="}]'],
    ['query', '-- why\nselect 1 as one', '[]'],
    ['query', 'select none', '[]'],
    ['execute', 'INSERT INTO t VALUES (?)', '["x"]'],
    ['publish', 'a:b', '{"x":1}'],
    ['enqueue', 'other', '[1]', 3],
  ]);
});

test('numbers beyond 64 bits are bound as reals, and not as integers that no column holds', async (t) => {
  const source = `export default async (_, env) => {
    await env.DB.prepare('SELECT').bind(1e20, -1e19, 2 ** 63, 2 ** 53, 1.5, NaN, Infinity).all();
  };`;
  const bound: string[] = [];
  const { error, log } = await run(source, '', {
    host: {
      db_query: async (_sql, args) => {
        bound.push(args);
        return '[]';
      },
    },
  });
  t.is(error, null, log.join('\n'));
  t.deepEqual(bound, ['[1e+20,-1e+19,9.223372036854776e+18,9007199254740992,1.5,null,null]']);
});

test('a statement that begins with WITH is executed or queried as its main verb has it', async (t) => {
  const reads = [
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'with recursive a(n) as (values (\')\'), ("delete"), ([insert])) /* update ( */ select n -- delete',
    'WITH a AS (SELECT replace(x, 1, 2) FROM t), b AS (DELETE) SELECT * FROM a',
    'WITH "insert" AS (SELECT 1), `it\'s` AS (SELECT 2) VALUES (1)',
  ];
  const writes = [
    'WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a',
    '/* why */ with a as (select 1)\nUPDATE t SET n = 1',
    "WITH a AS (SELECT '(') DELETE FROM t",
    'WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a',
    'WITH replace AS (SELECT 1) INSERT INTO t SELECT * FROM replace',
  ];
  const source = `const reads = ${JSON.stringify(reads)}, writes = ${JSON.stringify(writes)};
    export default async (_, env) => {
      for (const sql of reads) await env.DB.prepare(sql).run();
      for (const sql of writes) await env.DB.prepare(sql).all();
    };`;
  const queried: string[] = [];
  const executed: string[] = [];
  const { error, log } = await run(source, '', {
    host: {
      db_query: async (sql) => {
        queried.push(sql);
        return '[]';
      },
      db_execute: async (sql) => executed.push(sql),
    },
  });
  t.is(error, null, log.join('\n'));
  t.deepEqual([queried, executed], [reads, writes]);
});

test('a binding call that the engine refuses rejects, and the log states the reason', async (t) => {
  const source = `export default async (_, env) => {
    const tries = [env.DB.prepare('SELECT 1').all(), env.DB.prepare('DROP x').run(), env.publish('t', 1), env.enqueue('f'), env.STORAGE.put('x'), env.publish('t', () => {})];
    return (await Promise.allSettled(tries)).map((result) => result.status + ' ' + result.reason?.name);
  };`;
  const outcome = await run(source, '');
  t.deepEqual(JSON.parse(outcome.output), [...Array(5).fill('rejected Error'), 'rejected TypeError']);
  t.true(outcome.log.includes('error: db_query failed: not part of this test'));
});
