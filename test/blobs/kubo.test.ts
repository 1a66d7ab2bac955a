import { randomBytes } from 'node:crypto';
import test from 'ava';
import { openBlobs } from '../../src/blobs/open.js';
import { blobsConformance } from '../conformance/blobs.js';
import { damage, flip, makeUnreadable } from '../helpers/damage.js';
import { httpServer } from '../helpers/http-server.js';
import { startKubo } from '../helpers/kubo.js';
import { bytesOf } from '../helpers/kubo-cids.js';
import { replayHttp } from '../helpers/recorded-exchange.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { findServer } from '../helpers/servers.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

const open = (url: string) => openBlobs({ driver: 'kubo', url });

const program = findServer('ipfs', 'TEST_IPFS', 'ipfs');
if (program !== null) {
  const kubo = await startKubo(program);
  test.after.always(() => kubo.close());

  blobsConformance('kubo', () => open(kubo.url), kubo.blocks);

  // Serial, as finding a block reads all files, which other tests remove.
  test.serial('a blob whose later blocks Kubo cannot read is unavailable, and not damaged', async (t) => {
    const blobs = await open(kubo.url);
    t.teardown(() => blobs.close());
    const bytes = randomBytes(600_000);
    const cid = await blobs.put(bytes);
    const mend = await makeUnreadable(kubo.blocks, bytes.subarray(262_144, 524_288));
    await t.throwsAsync(blobs.get(cid), { code: 'unavailable' });
    await mend();
    t.deepEqual(Buffer.from(await blobs.get(cid)), bytes);
  });

  test.serial(
    'a damaged block that two blobs share is reported with what to do, and then mended for both',
    async (t) => {
      const blobs = await open(kubo.url);
      t.teardown(() => blobs.close());
      const shared = randomBytes(262_144);
      const [one, two] = [1, 2].map((last) => Buffer.concat([shared, Buffer.from([last])])) as [
        Buffer,
        Buffer,
      ];
      const cids = [await blobs.put(one), await blobs.put(two)];
      await damage(kubo.blocks, shared, flip);
      await t.throwsAsync(blobs.put(one), { code: 'blob_damaged', message: /"ipfs repo verify --drop"/ });
      const verified = await fetch(`${kubo.url}/api/v0/repo/verify?drop=true`, { method: 'POST' });
      await verified.text();
      for (const cid of cids) await t.throwsAsync(blobs.get(cid), { code: 'blob_damaged' });
      await blobs.put(one);
      sameBytes(t, await blobs.get(cids[0] ?? ''), one);
      sameBytes(t, await blobs.get(cids[1] ?? ''), two);
    },
  );

  test('a stored blob survives a killed daemon and garbage collection, and a deleted blob is collected', async (t) => {
    const own = await startKubo(program);
    t.teardown(() => own.close());
    const blobs = await open(own.url);
    t.teardown(() => blobs.close());
    const bytes = randomBytes(600_000);
    const kept = await blobs.put(bytes);
    const doomed = await blobs.put(randomBytes(1000));
    await blobs.delete(doomed);
    await own.kill();
    await t.throwsAsync(blobs.get(kept), { code: 'unavailable' });
    await t.throwsAsync(blobs.put(bytes), { code: 'unavailable' });
    await t.throwsAsync(blobs.has(kept), { code: 'unavailable' });
    await t.throwsAsync(blobs.ping(), { code: 'unavailable' });
    await own.restart();
    await own.collectGarbage();
    await until('the daemon answers', () => succeeds(blobs.ping()));
    sameBytes(t, await blobs.get(kept), bytes);
    await t.throwsAsync(blobs.get(doomed), { code: 'not_found' });
  });
}

if (program === null) {
  test('recorded exchange: requests match the recorded ones and the responses of Kubo are parsed', async (t) => {
    const replay = await replayHttp('kubo');
    t.teardown(() => replay.close());
    const blobs = await open(`http://${replay.address}`);
    t.teardown(() => blobs.close());
    const bytes = bytesOf(1000);
    const cid = await blobs.put(bytes);
    sameBytes(t, await blobs.get(cid), bytes);
    t.true(await blobs.has(cid));
    await blobs.delete(cid);
    t.false(await blobs.has(cid));
    await blobs.delete(cid);
    t.is(replay.left(), 0);
  });
}

test('a URL without a Kubo API fails at start with an error that does not contain its password', async (t) => {
  const other = await httpServer((_request, response) => response.writeHead(404).end('not here'));
  t.teardown(() => other.close());
  for (const url of [
    'http://user:hunter2@127.0.0.1:1/',
    `http://user:hunter2@127.0.0.1:${other.port}/`,
    'redis://user:hunter2@127.0.0.1:1/',
    'hunter2',
  ]) {
    const error = await t.throwsAsync(open(url), { code: 'bad_config', message: /IPFS_API_URL/ });
    t.false(error?.message.includes('hunter2'));
  }
});

test('user and password of the URL are sent as basic authentication, and its path prefixes the command', async (t) => {
  const seen: (string | undefined)[] = [];
  const proxy = await httpServer((request, response) => {
    seen.push(request.url, request.headers.authorization);
    response.end('{}');
  });
  t.teardown(() => proxy.close());
  const blobs = await open(`http://me:p%40ss@127.0.0.1:${proxy.port}/kubo/`);
  await blobs.close();
  t.deepEqual(seen, ['/kubo/api/v0/version?', `Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
});

test('a read that Kubo breaks off is damage only if a block is missing or has other bytes', async (t) => {
  const bytes = bytesOf(1000);
  let block: [status: number, body: string | Uint8Array] = [200, ''];
  const node = await httpServer((request, response) => {
    if (request.url?.includes('/block/get')) return response.writeHead(block[0]).end(block[1]);
    if (!request.url?.includes('/cat')) return response.end('{}');
    response.writeHead(200, { trailer: 'X-Stream-Error' });
    response.write(bytes.subarray(0, 500));
    response.addTrailers({ 'X-Stream-Error': 'failed to fetch all nodes' });
    return response.end();
  });
  t.teardown(() => node.close());
  const blobs = await open(`http://127.0.0.1:${node.port}`);
  t.teardown(() => blobs.close());
  const cid = await blobs.cidOf(bytes);
  const fails = async (code: string, ...answer: typeof block) => {
    block = answer;
    await t.throwsAsync(blobs.get(cid), { code }, String(answer[1]).slice(0, 80));
  };
  await fails('unavailable', 200, bytes);
  await fails('unavailable', 500, '{"Message":"open /blocks/X3/A.data: too many open files"}');
  await fails('blob_damaged', 200, bytes.subarray(0, 500));
  await fails(
    'blob_damaged',
    500,
    '{"Message":"block was not found locally (offline): ipld: could not find A"}',
  );
  await fails('blob_damaged', 500, '{"Message":"block in storage has different hash than requested"}');
});

test('a response whose bytes do not match the CID is rejected', async (t) => {
  const liar = await httpServer((request, response) =>
    response.end(request.url?.includes('/cat') ? 'forged' : '{}'),
  );
  t.teardown(() => liar.close());
  const blobs = await open(liar.url);
  t.teardown(() => blobs.close());
  const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
  await t.throwsAsync(blobs.get(cid), { code: 'blob_damaged', message: /damaged/ });
});
