import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Redis } from 'ioredis';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { cacheConformance } from '../conformance/cache.js';
import { cacheQuotaConformance, limitOf } from '../conformance/cache-quota.js';
import { redisSettingConformance } from '../conformance/redis-setting.js';
import { startOlric } from '../helpers/olric-server.js';
import { replayResp } from '../helpers/recorded-exchange.js';
import { findServer } from '../helpers/servers.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

const open = (url: string) => openCache({ driver: 'olric', url });
const ns = namespaceSchema.parse('default');

const program = findServer('olric', 'TEST_OLRIC_SERVER', 'olric-server');
const server = program === null ? null : await startOlric(program);

redisSettingConformance('olric', 'OLRIC_URL', open);

const COMMANDS = /^(PING|STATS|DM\.GET|CLUSTER\.ROUTINGTABLE)\r$/gim;

/**
 * Starts a server that answers as a member of a cluster in which `members()` own a partition each.
 */
async function fakeMember(members: () => readonly string[]) {
  const connections = new Set<Socket>();
  const listening = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket)).on('error', () => undefined);
    socket.on('data', (bytes) => {
      for (const [, command] of bytes.toString('latin1').matchAll(COMMANDS)) {
        const owners = members().map((each, at) => `*3\r\n$1\r\n${at}\r\n*1\r\n+${each}\r\n*0\r\n`);
        if (command === 'STATS') socket.write('$2\r\n{}\r\n');
        else if (command === 'PING') socket.write('+PONG\r\n');
        else if (command === 'DM.GET') socket.write('-KEYNOTFOUND no key\r\n');
        else socket.write(`*${owners.length}\r\n${owners.join('')}`);
      }
    });
  });
  await new Promise<void>((ready) => listening.listen(0, '127.0.0.1', ready));
  const address = `127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return { address, connections, close: () => listening.close() };
}

test('the connection to a member that has left the cluster is closed', async (t) => {
  const members: string[] = [];
  const first = await fakeMember(() => members);
  const second = await fakeMember(() => members);
  t.teardown(() => first.close());
  t.teardown(() => second.close());
  members.push(first.address, second.address);
  const cache = await open(`redis://${first.address}`);
  t.teardown(() => cache.close());
  await cache.bytes(ns);
  t.is(second.connections.size, 1);
  members.pop();
  await until('the connection is closed', async () => {
    await cache.bytes(ns);
    return second.connections.size === 0;
  });
  await cache.bytes(ns);
  t.is(first.connections.size, 2);
});

if (program === null) {
  test('recorded exchange: requests match the recorded ones and the responses of Olric are parsed', async (t) => {
    const replay = await replayResp('olric');
    t.teardown(() => replay.close());
    const cache = await open(`redis://${replay.address}`);
    t.teardown(() => cache.close());
    t.is(await cache.get(ns, 'absent'), null);
    await cache.set(ns, 'word', Buffer.from('hello'), 60);
    t.is(Buffer.from((await cache.get(ns, 'word')) ?? []).toString(), 'hello');
    await t.throwsAsync(cache.increment(ns, 'word', 1n), { code: 'invalid_request' });
    t.is(await cache.increment(ns, 'count', 2n ** 53n + 1n), 2n ** 53n + 1n);
    t.is(await cache.increment(ns, 'count', -1n), 2n ** 53n);
    t.true(await cache.delete(ns, 'word'));
    t.false(await cache.delete(ns, 'word'));
    const long = 'k'.repeat(256);
    await t.throwsAsync(cache.set(ns, long, Buffer.from('v'), 0), {
      code: 'invalid_request',
      message: /255/,
    });
    t.is(replay.left(), 0);
  });
}

if (program !== null && server !== null) {
  test.after.always(() => server.close());

  cacheConformance('olric', () => open(server.url), { tellsSizes: false, forgetsInTime: false });
  test('getUpTo, which cannot know the size of a value, reads eight values of a namespace at once', async (t) => {
    const { hostname, port } = new URL(server.url);
    const behind = new Set<Socket>();
    let reads = 0;
    const proxy = createServer((client) => {
      const olric = connect(Number(port), hostname);
      behind.add(olric);
      client.on('data', (bytes) => {
        reads += bytes.toString('latin1').match(/DM\.GET\r/gi)?.length ?? 0;
        olric.write(bytes);
      });
      olric.on('data', (bytes) => client.write(bytes));
      for (const [one, other] of [
        [client, olric],
        [olric, client],
      ] as const) {
        one.on('error', () => undefined).on('close', () => other.destroy());
      }
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    const cache = await open(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    t.teardown(async () => {
      await cache.close();
      proxy.close();
    });
    await cache.set(ns, 'held', Buffer.from('v'), 0);
    const before = reads;
    for (const olric of behind) olric.pause();
    const all = Array.from({ length: 50 }, () => cache.getUpTo(ns, 'held', 100));
    const others = cache.getUpTo(namespaceSchema.parse('beside'), 'held', 100);
    await sleep(200);
    t.is(reads - before, 8 + 1);
    for (const olric of behind) olric.resume();
    for (const value of await Promise.all(all)) t.is(Buffer.from(value as Uint8Array).toString(), 'v');
    t.is(await others, null);
    t.is(reads - before, 50 + 1);
  });

  cacheQuotaConformance('olric', () => openCache({ driver: 'olric', url: server.url, limitOf }), {
    forgetsInTime: false,
  });

  test('a value larger than tableSize is rejected with the reason, and the previous value is kept', async (t) => {
    const cache = await open(server.url);
    t.teardown(() => cache.close());
    await cache.set(ns, 'large', Buffer.from('v'), 0);
    await t.throwsAsync(cache.set(ns, 'large', new Uint8Array(600_000), 0), {
      code: 'invalid_request',
      message: /larger than the cache is configured to take/,
    });
    t.is(Buffer.from((await cache.get(ns, 'large')) ?? []).toString(), 'v');
  });

  test('a key of 255 bytes is stored, and a longer key is rejected with the reason', async (t) => {
    const cache = await open(server.url);
    t.teardown(() => cache.close());
    await cache.set(ns, 'k'.repeat(255), Buffer.from('v'), 0);
    t.not(await cache.get(ns, 'k'.repeat(255)), null);
    await t.throwsAsync(cache.set(ns, 'k'.repeat(256), Buffer.from('v'), 0), {
      code: 'invalid_request',
      message: /255 bytes/,
    });
  });

  test('a scan finds the keys of every member of the cluster', async (t) => {
    const first = await startOlric(program);
    t.teardown(() => first.close());
    const second = await startOlric(program, { join: first });
    t.teardown(() => second.close());
    const observer = new Redis(first.url, { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
    t.teardown(() => observer.disconnect());
    await until('both members own partitions', async () => {
      const table = (await observer.call('CLUSTER.ROUTINGTABLE')) as [number, string[], string[]][];
      return new Set(table.flatMap(([, owners]) => owners)).size === 2;
    });
    const cache = await open(first.url);
    t.teardown(() => cache.close());
    const keys = Array.from({ length: 200 }, (_, i) => `key ${String(i).padStart(3, '0')}`);
    for (const key of keys) await cache.set(ns, key, Buffer.from('v'), 0);
    t.deepEqual((await cache.scan(ns, 'key ', 1000)).sort(), keys);
  });

  test('the password of the URL is used to authenticate, and a wrong one fails at start', async (t) => {
    const locked = await startOlric(program, { password: 'pass/word?' });
    t.teardown(() => locked.close());
    const url = new URL(locked.url);
    url.password = 'pass/word?';
    const cache = await open(url.href);
    await cache.set(ns, 'k', Buffer.from('v'), 0);
    t.deepEqual(await cache.scan(ns, '', 10), ['k']);
    await cache.close();
    url.password = 'wrong';
    await t.throwsAsync(open(url.href), { code: 'bad_config', message: /OLRIC_URL/ });
  });

  test('calls fail with unavailable while Olric is down and succeed again after its restart', async (t) => {
    const own = await startOlric(program);
    t.teardown(() => own.close());
    const cache = await open(own.url);
    t.teardown(() => cache.close());
    await own.kill();
    await t.throwsAsync(cache.get(ns, 'k'), { code: 'unavailable' });
    await t.throwsAsync(cache.set(ns, 'k', Buffer.from('v'), 0), { code: 'unavailable' });
    await t.throwsAsync(cache.increment(ns, 'n', 1n), { code: 'unavailable' });
    await t.throwsAsync(cache.scan(ns, '', 10), { code: 'unavailable' });
    await own.restart();
    await until('the cache is available again', () => succeeds(cache.ping()));
    await cache.set(ns, 'k', Buffer.from('v'), 0);
    t.is(Buffer.from((await cache.get(ns, 'k')) ?? []).toString(), 'v');
  });
}
