import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { CREDENTIALED } from '../../src/concurrency/buffer-budget.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { createClientAddresses } from '../../src/http/admission/client-address.js';
import { createBufferLimits, type Exchange } from '../../src/http/request/buffer-limits.js';
import { until } from '../helpers/until.js';

const tenant = namespaceSchema.parse('tenant');
const other = namespaceSchema.parse('other');
/** More than half of what a namespace may have. */
const BYTES = CREDENTIALED.each - 1;

/** Serves one request; the test answers it. */
async function anExchange(): Promise<{ exchange: Exchange; leave(): Promise<void>; end(): Promise<void> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  request.on('error', () => undefined);
  request.on('response', (response) => response.resume());
  const [req, res] = (await once(server, 'request')) as [Exchange['req'], ServerResponse];
  const closed = new Promise<void>((resolve) => res.once('close', () => resolve()));
  server.close();
  return {
    exchange: { req, res },
    async leave() {
      request.destroy();
      await closed;
    },
    async end() {
      res.end();
      await closed;
    },
  };
}

for (const [what, isRead] of [
  ['ends', true],
  ['fails', false],
] as const) {
  test(`a download whose client has left is accounted until its read from the store ${what}`, async (t) => {
    const buffers = createBufferLimits(createClientAddresses([]), 20_000);
    const [first, second, third] = [await anExchange(), await anExchange(), await anExchange()];
    let finish = (_ok: boolean) => {};
    const reading = buffers.readReply(first.exchange, tenant, BYTES, async () => {
      const ok = await new Promise<boolean>((resolve) => {
        finish = resolve;
      });
      if (!ok) throw new Error('the store has failed');
      return ok;
    });
    const settled = reading.then(
      () => true,
      () => false,
    );
    await first.leave();

    await t.throwsAsync(
      buffers.readReply(second.exchange, tenant, BYTES, async () => 0),
      { code: 'rate_limited' },
      'the read still holds the memory',
    );
    t.is(await buffers.readReply(third.exchange, other, BYTES, async () => 7), 7, 'another namespace');
    finish(isRead);
    t.is(await settled, isRead);
    t.is(await buffers.readReply(second.exchange, tenant, BYTES, async () => 1), 1);
    await Promise.all([second.end(), third.end()]);
  });
}

test('a download that has been read is accounted until its client has it', async (t) => {
  const buffers = createBufferLimits(createClientAddresses([]), 20_000);
  const [first, second] = [await anExchange(), await anExchange()];
  await buffers.readReply(first.exchange, tenant, BYTES, async () => 0);
  await t.throwsAsync(
    buffers.readReply(second.exchange, tenant, BYTES, async () => 0),
    { code: 'rate_limited' },
  );
  await first.end();
  await until('the memory is released', async () =>
    buffers
      .readReply(second.exchange, tenant, BYTES, async () => 0)
      .then(
        () => true,
        () => false,
      ),
  );
  await second.end();
});

test('a client that does not read its reply is disconnected, and one that reads slowly is not', async (t) => {
  const idleMs = 4000;
  const buffers = createBufferLimits(createClientAddresses([]), idleMs);
  const reply = Buffer.alloc(16 * MB);
  const server = createServer((req, res) => {
    buffers.holdReply({ req, res }, null, reply.byteLength);
    res.end(reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const connected = async () => {
    const served = once(server, 'request');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [, response] = (await served) as [unknown, ServerResponse];
    return { socket, response };
  };

  const silent = await connected();
  await once(silent.response, 'close');
  t.true(silent.socket.bytesRead < reply.byteLength);
  silent.socket.destroy();

  const slow = await connected();
  let received = 0;
  const since = performance.now();
  for await (const chunk of slow.socket) {
    received += (chunk as Buffer).byteLength;
    if (received >= reply.byteLength) break;
    // Longer in all than the client may read nothing: there are at least 256 chunks.
    await sleep(20);
  }
  t.true(performance.now() - since > idleMs);
  t.true(received >= reply.byteLength);
  slow.socket.destroy();
});
