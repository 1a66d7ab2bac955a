import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { migrateStore, openStore } from '../../db/open.js';
import { openBlobs } from '../../src/blobs/open.js';
import { cidText } from '../../src/blobs/unixfs.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { releaseBlob, storeBlob } from '../../src/core/functions/stored-blobs.js';
import { isAppError } from '../../src/errors.js';
import type { Blobs } from '../../src/ports/blobs.js';
import { httpServer } from '../helpers/http-server.js';
import { unboundedQuotas } from '../helpers/quotas.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { tempDir } from '../helpers/temp-dir.js';

const ROUNDS = 60;
const root = tempDir();
const [ada, bob] = [namespaceSchema.parse('ada'), namespaceSchema.parse('bob')];

/** Opens the stores for two processes, each with its own handles on the same data. */
async function twoProcesses(t: ExecutionContext, name: string) {
  const dir = join(root, name);
  await mkdir(dir);
  const options = { driver: 'sqlite', file: join(dir, 'store.sqlite') } as const;
  await migrateStore(options);
  const open = async () => {
    const store = await openStore(options);
    t.teardown(() => store.close());
    const blobs = slow(await openBlobs({ driver: 'local', dir: join(dir, 'blobs') }));
    return { blobs, owners: store.blobOwners, quotas: unboundedQuotas() };
  };
  return [await open(), await open()] as const;
}

/** Delays the operations, as on another machine, so that others can be interleaved. */
function slow(blobs: Blobs): Blobs {
  return {
    ...blobs,
    async put(bytes) {
      const cid = await blobs.put(bytes);
      await sleep(randomInt(8));
      return cid;
    },
    async delete(cid) {
      await sleep(randomInt(8));
      await blobs.delete(cid);
    },
  };
}

test('a blob stored by one namespace is kept while another namespace releases the same content', async (t) => {
  const [one, two] = await twoProcesses(t, 'others');
  for (let round = 0; round < ROUNDS; round += 1) {
    const bytes = Buffer.from(`round ${round}`);
    const cid = await storeBlob(one, ada, { bytes, name: '' });
    const storing = sleep(randomInt(8)).then(() => storeBlob(two, bob, { bytes, name: '' }));
    const given = releaseBlob(one, ada, cid);
    await storing;
    sameBytes(t, await two.blobs.get(cid), bytes);
    t.true(await given);
    sameBytes(t, await two.blobs.get(cid), bytes);
    t.true(await releaseBlob(two, bob, cid));
    await t.throwsAsync(two.blobs.get(cid), { code: 'not_found' });
  }
});

test('a blob stored and released concurrently by its namespace exists exactly if it is owned', async (t) => {
  const [one, two] = await twoProcesses(t, 'own');
  for (let round = 0; round < ROUNDS; round += 1) {
    const bytes = Buffer.from(`own round ${round}`);
    const cid = await storeBlob(one, ada, { bytes, name: '' });
    await Promise.all([
      releaseBlob(one, ada, cid),
      sleep(randomInt(8)).then(() => storeBlob(two, ada, { bytes, name: '' })),
    ]);
    const isOwned = (await one.owners.get(ada, cid)) !== null;
    const isThere = await one.blobs.get(cid).then(
      () => true,
      (error) => !isAppError(error, 'not_found'),
    );
    t.is(isThere, isOwned);
  }
});

test('a deletion whose outcome is unknown keeps its mark, and a completed one removes it', async (t) => {
  const [{ owners, quotas }] = await twoProcesses(t, 'unknown');
  const bytes = Buffer.from('of Kubo');
  const cid = await cidText(bytes);
  let answersRemoval = false;
  const kubo = await httpServer((request, response) => {
    request.resume();
    const command = new URL(request.url ?? '', 'http://kubo').pathname.slice('/api/v0/'.length);
    if (command === 'pin/rm' && !answersRemoval) return void request.socket.destroy();
    response.end(command === 'cat' ? bytes : JSON.stringify({ Hash: cid }));
  });
  t.teardown(() => kubo.close());
  const blobs = await openBlobs({ driver: 'kubo', url: kubo.url });
  t.teardown(() => blobs.close());
  await storeBlob({ blobs, owners, quotas }, ada, { bytes, name: '' });
  await t.throwsAsync(releaseBlob({ blobs, owners }, ada, cid), { code: 'unavailable' });
  t.true(await owners.isPendingDeletion(cid));
  const other = Buffer.from('another');
  answersRemoval = true;
  await owners.add(ada, { cid: await cidText(other), name: '', size: other.length }, 1000);
  t.true(await releaseBlob({ blobs, owners }, ada, await cidText(other)));
  t.false(await owners.isPendingDeletion(await cidText(other)));
});
