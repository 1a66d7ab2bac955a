import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { identity } from 'multiformats/hashes/identity';
import { openBlobs } from '../../src/blobs/open.js';
import { DAY_MS, MB } from '../../src/contract/limits.js';
import { blobsConformance } from '../conformance/blobs.js';
import { makeUnreadable } from '../helpers/damage.js';
import { notRun } from '../helpers/not-run.js';
import { processLimit } from '../helpers/process-limit.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { endProcess } from '../helpers/server-process.js';
import { tempDir } from '../helpers/temp-dir.js';

const dir = tempDir();

const conformance = join(dir, 'conformance');
blobsConformance('local', () => openBlobs({ driver: 'local', dir: conformance }), conformance);

/** Returns the path of a blob's first block file. */
async function blockOf(root: string, cid: string): Promise<string> {
  const names = (await readdir(join(root, cid))).sort();
  return join(root, cid, names[0] ?? '');
}

test('a blob of identical blocks is stored no slower than one of different blocks', async (t) => {
  const blobs = await openBlobs({ driver: 'local', dir: join(dir, 'identical') });
  t.teardown(() => blobs.close());
  const size = 16 * MB;
  const time = async (bytes: Uint8Array) => {
    const start = performance.now();
    const cid = await blobs.put(bytes);
    const taken = performance.now() - start;
    sameBytes(t, await blobs.get(cid), bytes);
    return taken;
  };
  const different = await time(randomBytes(size));
  const identical = await time(new Uint8Array(size));
  t.true(identical < 2 * different + 1000, `${identical} ms, and ${different} ms when different`);
});

test('a damaged blob is replaced in its place, so that no reader finds it absent', async (t) => {
  const root = join(dir, 'replaced');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  const bytes = randomBytes(700_000);
  const cid = await blobs.put(bytes);
  const { ino } = await stat(join(root, cid));
  for (const name of await readdir(join(root, cid))) await writeFile(join(root, cid, name), 'damaged');
  await rm(await blockOf(root, cid));
  await blobs.put(bytes);
  t.is((await stat(join(root, cid))).ino, ino);
  sameBytes(t, await blobs.get(cid), bytes);
  // Nothing is left of the staged blocks.
  t.deepEqual(await readdir(join(root, '.staging')), []);
});

test('a blob that cannot be looked up is unavailable, and not absent', async (t) => {
  const root = join(dir, 'unreadable');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  const cid = await blobs.put(randomBytes(1000));
  await rm(join(root, cid), { recursive: true });
  // As when the process has no file descriptor left, stat fails and does not say that nothing is
  // there.
  await symlink(cid, join(root, cid));
  await t.throwsAsync(blobs.get(cid), { code: 'unavailable' });
  await t.throwsAsync(blobs.has(cid), { code: 'unavailable' });
  const long = CID.createV1(raw.code, identity.digest(randomBytes(300))).toString();
  t.false(await blobs.has(long), 'a name that no file can have');
});

test('a blob with a block that cannot be read is unavailable, and not damaged', async (t) => {
  const root = join(dir, 'unreadable-block');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  t.teardown(() => blobs.close());
  const bytes = randomBytes(700_000);
  const cid = await blobs.put(bytes);
  const mend = await makeUnreadable(join(root, cid), bytes);
  await t.throwsAsync(blobs.get(cid), { code: 'unavailable' });
  await mend();
  t.deepEqual(Buffer.from(await blobs.get(cid)), bytes);
});

test('reading a blob with a missing block fails', async (t) => {
  const root = join(dir, 'missing-block');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  const cid = await blobs.put(randomBytes(700_000));
  await rm(await blockOf(root, cid));
  await t.throwsAsync(blobs.get(cid), { code: 'blob_damaged' });
});

test('a process killed while storing blobs leaves only complete blobs, including all acknowledged ones', async (t) => {
  const root = join(dir, 'killed');
  const child = fork(new URL('./put-forever.js', import.meta.url), [root]);
  const acknowledged: string[] = [];
  child.on('message', (cid) => acknowledged.push(String(cid)));
  while (acknowledged.length < 20) await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  for (const cid of acknowledged) t.is((await blobs.get(cid)).length, 600_000);
  const found = (await readdir(root)).filter((name) => !name.startsWith('.'));
  for (const cid of found) t.is((await blobs.get(cid)).length, 600_000);
  t.true(found.length >= acknowledged.length);
});

test('staging directories older than a day are removed at start, and recent ones are kept', async (t) => {
  const root = join(dir, 'swept');
  await mkdir(join(root, '.staging', 'old'), { recursive: true });
  await mkdir(join(root, '.staging', 'new'), { recursive: true });
  const yesterday = new Date(Date.now() - DAY_MS);
  await utimes(join(root, '.staging', 'old'), yesterday, yesterday);
  await openBlobs({ driver: 'local', dir: root });
  t.deepEqual(await readdir(join(root, '.staging')), ['new']);
});

test('a directory that cannot be created fails at start with its path in the error', async (t) => {
  const file = join(dir, 'a-file');
  await writeFile(file, '');
  await t.throwsAsync(openBlobs({ driver: 'local', dir: join(file, 'blobs') }), {
    code: 'bad_config',
    message: /a-file\/blobs cannot be used/,
  });
});

test('ping fails when the directory has been removed', async (t) => {
  const root = join(dir, 'lost');
  const blobs = await openBlobs({ driver: 'local', dir: root });
  await rm(root, { recursive: true });
  await t.throwsAsync(blobs.ping(), { code: 'unavailable' });
});

const limit = processLimit();

if (limit === null) notRun('control groups: not available, a refused thread of the store not run');
else {
  test('while the system refuses the thread, the store is unavailable, and it stores again afterwards', async (t) => {
    const script = fileURLToPath(new URL('./refused-thread.js', import.meta.url));
    const [command = '', ...given] = [...limit.enter, process.execPath, script, join(dir, 'refused')];
    const child = spawn(command, given, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    t.teardown(async () => {
      await endProcess(child);
      await limit.close();
    });
    await once(child, 'message');
    const put = async () => {
      child.send('put');
      const [reply] = await once(child, 'message');
      return reply;
    };
    limit.refuse();
    t.is(await put(), 'unavailable');
    limit.allow();
    t.regex(await put(), /^bafk/);
  });
}
