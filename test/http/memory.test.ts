import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { requestHead as head } from '../helpers/raw-http.js';
import { watchMemory } from '../helpers/rss.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe } from './served.js';
import { connect } from './socket.js';

const MB = 1 << 20;
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
