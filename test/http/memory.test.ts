import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MB } from '../../src/contract/limits.js';
import type { ApiReply } from '../helpers/api.js';
import { ENDLESS_QUERY } from '../helpers/endless-query.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { requestHead as head } from '../helpers/raw-http.js';
import { watchMemory } from '../helpers/rss.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe } from './served.js';
import { connect } from './socket.js';

/** Maximum memory that a namespace may make a process hold, plus what the process needs itself. */
const MOST_MB = 500;

/**
 * Checks the engine's memory under the load of one namespace, while and after another one is
 * served.
 */
async function holds(
  t: ExecutionContext,
  attack: (engine: TestEngine) => Promise<void>,
  most = MOST_MB,
): Promise<void> {
  const engine = await startEngine();
  t.teardown(engine.close);
  const victim = await aTenantWithProbe(engine);
  const memory = await watchMemory(engine.pid);
  await attack(engine);
  const reply = await victim.invoke('probe', commands({ op: 'echo', a: 'here' }));
  t.is(reply.status, 200, reply.text);
  const grown = (await memory.end()) - memory.before;
  t.log(`${grown.toFixed(0)} MB more`);
  t.true(grown < most, `${grown.toFixed(0)} MB`);
}

/** Opens connections of a client that reads nothing, or only what `read` matches. */
function connections(t: ExecutionContext, url: string, count: number, texts: readonly (string | Buffer)[]) {
  const { hostname, port } = new URL(url);
  const sockets: { socket: Socket; received: () => string }[] = Array.from({ length: count }, () => {
    const socket = connectTcp(Number(port), hostname);
    let received = '';
    socket.on('error', () => undefined);
    for (const text of texts) socket.write(text);
    return {
      socket,
      received: () => {
        received += String(socket.read() ?? '');
        return received;
      },
    };
  });
  t.teardown(() => {
    for (const { socket } of sockets) socket.destroy();
  });
  return sockets;
}

test.serial('a 1 MB message for 1,024 triggers returns 413 without a copy in memory for each trigger', (t) =>
  holds(t, async (engine) => {
    const attacker = await aTenant(engine);
    const segments = 'a:b:c:d:e:f:g:h:i:j'.split(':');
    // 1,024 patterns, each of which matches the topic.
    const patterns = Array.from({ length: 1 << segments.length }, (_, bits) =>
      segments.map((name, at) => ((bits >> at) & 1 ? '*' : name)).join(':'),
    );
    for (let from = 0; from < patterns.length; from += 100) {
      const triggers = patterns.slice(from, from + 100).map((topic) => ({ topic }));
      const metadata = JSON.stringify({ triggers });
      const { status, text } = await attacker.deploy(`fan-${from}`, await probeWasm(), { metadata });
      t.is(status, 201, text);
    }
    const small = await attacker.publish(segments.join(':'), []);
    t.like(small.json, { status: 'ok', triggered: 1024 });
    const large = 'x'.repeat(1_000_000);
    const replies = await Promise.all(
      Array.from({ length: 4 }, () => attacker.publish(segments.join(':'), large)),
    );
    for (const { status, json } of replies) {
      t.is(status, 413);
      t.is(json.code, 'payload_too_large');
      t.regex(json.error, /1024 triggers/);
    }
  }),
);

test.serial('statements that wait for the database use a limited amount of memory; more return 429', (t) =>
  holds(
    t,
    async (engine) => {
      const attacker = await aTenantWithProbe(engine, { timeout_seconds: '300' });
      // As many as may run at once for a namespace.
      const input = commands({ op: 'query', a: ENDLESS_QUERY, b: '[]' });
      const started = Array.from({ length: 4 }, () =>
        attacker.invoke('probe', input, { prefer: 'respond-async' }),
      );
      const ids = (await Promise.all(started)).map(({ json }) => json.request_id);
      await until('they run', async () => {
        const { json } = await attacker.get('/v1/invocations?status=running');
        return json.count === ids.length;
      });
      const leaving = new AbortController();
      const send = (signal?: AbortSignal) =>
        attacker.request('POST', '/v1/rqlite/query', {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ sql: 'select length(?)', args: ['x'.repeat(1_000_000)] }),
          ...(signal ? { signal } : {}),
        });
      const refused: ApiReply[] = [];
      const waiting: Promise<void>[] = [];
      for (let sent = 0; sent < 300 && refused.length < 20; sent += 1) {
        const one = send(leaving.signal).then(
          (reply) => {
            if (reply.status === 429) refused.push(reply);
          },
          () => undefined,
        );
        waiting.push(one);
        await Promise.race([one, delay(5)]);
      }
      const [reply] = refused;
      t.is(reply?.json.code, 'rate_limited');
      t.true(Number(reply?.headers.get('retry-after')) >= 1);
      leaving.abort();
      await Promise.all(waiting);
      t.is((await send()).status, 429, 'the statements of clients that have disconnected still wait');
      for (const id of ids) await attacker.delete(`/v1/invocations/${id}`);
      await until('the memory is released', async () => (await send()).status === 200);
      // A statement is in memory as JSON, as its arguments and on its way to the database.
    },
    600,
  ),
);

test.serial('incomplete forms of one namespace use a limited amount of memory; more return 429', (t) =>
  holds(t, async (engine) => {
    const attacker = await aTenant(engine);
    const size = 31 * MB;
    const part = `--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
    const headers = ['Host: x', `X-API-Key: ${attacker.key}`, `Content-Length: ${size + 1000}`];
    const type = 'Content-Type: multipart/form-data; boundary=b';
    const request = head('POST', '/v1/storage/upload', ...headers, type);
    const sockets = connections(t, engine.url, 30, [request, part, Buffer.alloc(size, 0x61)]);
    await until('some are refused', () =>
      sockets.some(({ received }) => received().startsWith('HTTP/1.1 429 ')),
    );
    await delay(1000);
    const answers = sockets.map(({ received }) => received()).filter((text) => text !== '');
    t.true(answers.every((text) => text.startsWith('HTTP/1.1 429 ') && text.includes('Retry-After')));
  }),
);

test.serial('incomplete bodies of one namespace use a limited amount of memory; more return 429', (t) =>
  holds(t, async (engine) => {
    const attacker = await aTenantWithProbe(engine);
    const key = `X-API-Key: ${attacker.key}`;
    const request = head('POST', '/v1/functions/probe/invoke', 'Host: x', key, `Content-Length: ${MB}`);
    const sockets = connections(t, engine.url, 800, [request, Buffer.alloc(MB - 1, 0x20)]);
    await until('some are refused', () =>
      sockets.some(({ received }) => received().startsWith('HTTP/1.1 429 ')),
    );
    await delay(1000);
  }),
);

test.serial('unread downloads of one namespace use a limited amount of memory; more return 429', (t) =>
  holds(
    t,
    async (engine) => {
      const attacker = await aTenant(engine);
      const form = new FormData();
      form.set('file', new Blob([Buffer.alloc(31 * MB, 'x')]), 'f');
      const { json } = await attacker.request('POST', '/v1/storage/upload', { body: form });
      const request = head('GET', `/v1/storage/get/${json.cid}`, 'Host: x', `X-API-Key: ${attacker.key}`);
      const sockets = connections(t, engine.url, 100, [request]);
      await until('some are refused', () =>
        sockets.some(({ received }) => received().startsWith('HTTP/1.1 429 ')),
      );
      for (const { socket } of sockets) socket.destroy();
      // The memory has been released.
      await until('the file can be read again', async () => {
        const { status } = await attacker.get(`/v1/storage/get/${json.cid}`);
        return status === 200;
      });
      // Each file is in memory twice for a moment; three gigabytes were requested in total.
    },
    1200,
  ),
);

/** Sends the same request on many connections that read nothing, until some are refused. */
async function unread(t: ExecutionContext, url: string, request: string, count: number): Promise<void> {
  const sockets = connections(t, url, count, [request]);
  await until('some are refused', () =>
    sockets.some(({ received }) => received().startsWith('HTTP/1.1 429 ')),
  );
  for (const { socket } of sockets) socket.destroy();
}

test.serial(
  'unread log lists, query results and modules use a limited amount of memory; more return 429',
  (t) =>
    holds(
      t,
      async (engine) => {
        const attacker = await aTenantWithProbe(engine);
        const key = `X-API-Key: ${attacker.key}`;
        const log = commands(...Array.from({ length: 64 }, () => ({ op: 'log', a: 'x'.repeat(16_000) })));
        for (let n = 0; n < 5; n++) {
          const replies = await Promise.all(Array.from({ length: 6 }, () => attacker.invoke('probe', log)));
          t.true(replies.every(({ status }) => status === 200));
        }
        const logs = '/v1/functions/probe/logs?limit=1000';
        const { text } = await until('all are logged', async () => {
          const reply = await attacker.get(logs);
          return reply.json.count === 30 ? reply : null;
        });
        t.true(text.length < 12 * MB, `${text.length} bytes in one list`);
        await unread(t, engine.url, head('GET', logs, 'Host: x', key), 40);
        const sql = JSON.stringify({ sql: 'select hex(zeroblob(3900000)) as a', args: [] });
        const length = `Content-Length: ${sql.length}`;
        const query = `${head('POST', '/v1/rqlite/query', 'Host: x', key, length)}${sql}`;
        await unread(t, engine.url, query, 24);
        const padding = Buffer.alloc(24 * MB, 1);
        const size = padding.byteLength + 1;
        const leb = [0, 7, 14, 21].map((shift, at) => ((size >> shift) & 0x7f) | (at < 3 ? 0x80 : 0));
        const module = Buffer.concat([await probeWasm(), Buffer.from([0, ...leb, 0]), padding]);
        t.is((await attacker.deploy('large', module)).status, 201);
        await unread(t, engine.url, head('GET', '/v1/functions/large/module', 'Host: x', key), 12);
        const { status } = await until('the module can be read again', async () => {
          const reply = await attacker.get('/v1/functions/large/module');
          return reply.status === 429 ? null : reply;
        });
        t.is(status, 200);
        // Each is in memory several times for a moment; nine hundred megabytes were requested in
        // total.
      },
      1200,
    ),
);

test.serial('a list of queued invocations with large inputs is split into pages of limited size', (t) =>
  holds(t, async (engine) => {
    const tenant = await aTenantWithProbe(engine);
    const input = JSON.stringify('x'.repeat(MB - 100));
    const later = { prefer: 'respond-async', 'x-delay-seconds': '3600' };
    const sent = new Set<string>();
    for (let n = 0; n < 40; n++) sent.add((await tenant.invoke('probe', input, later)).json.request_id);
    const listed = new Set<string>();
    let cursor = '';
    do {
      const { json } = await tenant.get(`/v1/invocations?status=queued&limit=500${cursor}`);
      for (const { request_id: id } of json.invocations) listed.add(id);
      t.true(json.count <= 24, `${json.count} on one page`);
      cursor = json.next_cursor === null ? '' : `&cursor=${encodeURIComponent(json.next_cursor)}`;
    } while (cursor !== '');
    t.deepEqual([...listed].sort(), [...sent].sort());
  }),
);

test.serial('unread log streams use a limited amount of memory, and some of the streams are ended', (t) =>
  holds(
    t,
    async (engine) => {
      const attacker = await aTenantWithProbe(engine);
      const log = commands(...Array.from({ length: 64 }, () => ({ op: 'log', a: 'x'.repeat(16_000) })));
      for (let n = 0; n < 5; n++) {
        await Promise.all(Array.from({ length: 6 }, () => attacker.invoke('probe', log)));
      }
      const stream = '/v1/functions/probe/logs?follow=true&limit=1000';
      const request = head('GET', stream, 'Host: x', `X-API-Key: ${attacker.key}`);
      const sockets = connections(t, engine.url, 150, [request]);
      // The last ones are read, to see whether they have ended.
      await until('some have ended', () =>
        sockets.slice(-40).some(({ received }) => received().endsWith('0\r\n\r\n')),
      );
    },
    800,
  ),
);

test.serial('subscribers that do not read use limited memory; a reading subscriber gets all messages', (t) =>
  holds(t, async (engine) => {
    const attacker = await aTenant(engine);
    const clients = await Promise.all(
      Array.from({ length: 120 }, () =>
        connect(engine.url, '/v1/pubsub/ws?topic=flood', { 'x-api-key': attacker.key }),
      ),
    );
    t.teardown(() => {
      for (const { ws } of clients) ws.terminate();
    });
    const reader = await connect(engine.url, '/v1/pubsub/ws?topic=flood', { 'x-api-key': attacker.key });
    t.teardown(() => reader.ws.terminate());
    for (const { ws } of clients) ws.pause();
    const sent = 24;
    for (let n = 0; n < sent; n++) {
      t.is((await attacker.publish('flood', 'x'.repeat(700_000))).status, 200);
    }
    await until('the reader has all messages', () => reader.frames.length === sent);
  }),
);
