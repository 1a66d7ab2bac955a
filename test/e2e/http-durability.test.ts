import { rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import test from 'ava';
import { httpGuest } from '../helpers/http-guest.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';

const DELIVERIES = 40;

/** A delivery as its sender makes it: the status, or null when no answer came. */
async function deliver(engine: TestEngine, delivery: string): Promise<number | null> {
  try {
    const response = await fetch(`${engine.functionsUrl}/default/hook`, {
      method: 'POST',
      headers: { 'x-delivery': delivery },
      body: JSON.stringify({ delivery }),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

test('the process dies between accept and 202: the sender retries, and each delivery is one invocation', async (t) => {
  const first = await startEngine();
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  const metadata = JSON.stringify({ http: { mode: 'async', idempotency: 'X-Delivery' } });
  const { status } = await first.api.deploy('hook', await httpGuest(), { is_public: 'true', metadata });
  t.is(status, 201);
  const names = Array.from({ length: DELIVERIES }, (_, n) => `delivery-${n}`);
  const sent = names.map((name) => deliver(first, name));
  // Some have their answer then, some are on the queue without one, some never came to it.
  await Promise.race(sent);
  await first.kill9();
  const answers = await Promise.all(sent);
  t.true(answers.includes(202));

  const second = await startEngine({ dataDir: first.dataDir });
  t.teardown(second.stop);
  // Each sender without an answer retries; one that had its answer may do so, too.
  const again = await Promise.all(names.map((name) => deliver(second, name)));
  t.deepEqual(new Set(again), new Set([202]));
  const invocations = await until('all have run', async () => {
    const { json } = await second.api.get('/v1/invocations?function=hook&limit=500');
    const ended = json.invocations.filter((one: { state: string }) => one.state === 'success');
    return ended.length >= DELIVERIES && json.invocations;
  });
  t.is(invocations.length, DELIVERIES, 'as many invocations as deliveries');
});

/**
 * Writes bytes as they are to the functions' listener; returns all that comes back until it closes.
 */
function raw(engine: TestEngine, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(new URL(engine.functionsUrl).port), '127.0.0.1');
    let text = '';
    socket.on('data', (part) => {
      text += part.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.end(bytes, 'latin1');
  });
}

const SMUGGLED = 'GET /default/hook/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

const AMBIGUOUS: [what: string, head: string, body: string][] = [
  ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`],
  ['two different lengths', `Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}`, SMUGGLED],
  ['a length with a sign', 'Content-Length: +4', `test${SMUGGLED}`],
  ['an unknown transfer encoding', 'Transfer-Encoding: xchunked', `0\r\n\r\n${SMUGGLED}`],
  ['a chunk with a wrong size', 'Transfer-Encoding: chunked', `zz\r\ntest\r\n0\r\n\r\n${SMUGGLED}`],
  ['a header with a blank before its colon', 'Transfer-Encoding : chunked', `0\r\n\r\n${SMUGGLED}`],
  ['two hosts', 'Host: y\r\nContent-Length: 0', SMUGGLED],
];

test('a request whose end can be read in two ways is refused, and what stands behind it is never run', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const metadata = JSON.stringify({ http: {} });
  await engine.api.deploy('hook', await httpGuest(), { is_public: 'true', metadata });
  for (const [what, head, body] of AMBIGUOUS) {
    const reply = await raw(engine, `POST /default/hook HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`);
    t.regex(reply, /^HTTP\/1\.1 4\d\d /, what);
    t.is(reply.match(/HTTP\/1\.1 /g)?.length, 1, `${what}: ${reply}`);
  }
  const { json } = await engine.api.get('/v1/invocations?function=hook');
  t.is(json.count, 0);
});
