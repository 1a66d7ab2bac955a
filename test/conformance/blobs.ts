import { randomBytes } from 'node:crypto';
import test from 'ava';
import { isAppError } from '../../src/errors.js';
import type { Blobs } from '../../src/ports/blobs.js';
import { cut, damage, flip } from '../helpers/damage.js';
import { bytesOf, KUBO_CIDS } from '../helpers/kubo-cids.js';
import { sameBytes } from '../helpers/same-bytes.js';

const ABSENT = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** What can happen to the first block of a blob on the disk. */
const DAMAGES = { cut, altered: flip, emptied: () => new Uint8Array() };

/**
 * Tests for every driver of the Blobs port.
 *
 * @param blocks The directory of the files with the blocks.
 */
export function blobsConformance(driver: string, open: () => Promise<Blobs>, blocks: string): void {
  let blobs: Blobs;
  test.serial.before(async () => {
    blobs = await open();
  });
  test.serial.after.always(() => blobs?.close());

  test(`${driver}: the driver property equals the configured driver name`, (t) => {
    t.is(blobs.driver, driver);
  });

  test(`${driver}: nodes returns the peer id and addresses of each IPFS server, and is empty without one`, async (t) => {
    const nodes = await blobs.nodes();
    t.is(nodes.length, driver === 'kubo' ? 1 : 0);
    for (const { id, addresses } of nodes) {
      t.regex(id, /^12D3Koo/);
      t.true(addresses.every((address) => address.includes(id)));
    }
  });

  for (const [size, cid] of KUBO_CIDS) {
    test(`${driver}: a blob of ${size} bytes has the CID that Kubo computes and is read back unchanged`, async (t) => {
      const bytes = bytesOf(size);
      t.is(await blobs.put(bytes), cid);
      sameBytes(t, await blobs.get(cid), bytes);
    });
  }

  test(`${driver}: storing the same bytes concurrently and again yields the same CID`, async (t) => {
    const bytes = randomBytes(600_000);
    const [one, two] = await Promise.all([blobs.put(bytes), blobs.put(bytes)]);
    t.is(one, two);
    t.is(await blobs.put(bytes), one);
    sameBytes(t, await blobs.get(one), bytes);
  });

  test(`${driver}: a deleted blob is not found, and deleting it again and storing it again succeed`, async (t) => {
    const bytes = randomBytes(300_000);
    const cid = await blobs.put(bytes);
    t.true(await blobs.has(cid));
    await blobs.delete(cid);
    t.false(await blobs.has(cid));
    await t.throwsAsync(blobs.get(cid), { code: 'not_found' });
    await blobs.delete(cid);
    t.is(await blobs.put(bytes), cid);
    sameBytes(t, await blobs.get(cid), bytes);
  });

  test(`${driver}: deleting a blob does not affect another blob that begins with the same bytes`, async (t) => {
    const shared = randomBytes(262_144);
    const kept = Buffer.concat([shared, randomBytes(10)]);
    const doomed = await blobs.put(Buffer.concat([shared, randomBytes(10)]));
    const cid = await blobs.put(kept);
    await blobs.delete(doomed);
    sameBytes(t, await blobs.get(cid), kept);
  });

  for (const [how, change] of Object.entries(DAMAGES)) {
    // Serial, as finding the block reads all files, which other tests remove.
    test.serial(
      `${driver}: a blob whose block was ${how} is never served, and storing it again mends it`,
      async (t) => {
        for (const size of [1000, 700_000]) {
          const bytes = randomBytes(size);
          const cid = await blobs.put(bytes);
          await damage(blocks, bytes, change);
          await t.throwsAsync(blobs.get(cid), { code: 'blob_damaged', message: /damaged/ });
          t.is(await blobs.put(bytes), cid);
          sameBytes(t, await blobs.get(cid), bytes);
        }
      },
    );
  }

  for (const cid of [ABSENT, 'not-a-cid', '', '../../../etc/passwd']) {
    test(`${driver}: reading the absent blob ${JSON.stringify(cid)} fails with not_found`, async (t) => {
      t.false(await blobs.has(cid));
      const error = await t.throwsAsync(blobs.get(cid));
      t.true(isAppError(error, 'not_found'));
      await t.notThrowsAsync(blobs.delete(cid));
    });
  }

  test(`${driver}: storing a view of a larger buffer stores only the bytes of the view`, async (t) => {
    const bytes = randomBytes(1000);
    const cid = await blobs.put(bytes.subarray(100, 200));
    sameBytes(t, await blobs.get(cid), bytes.subarray(100, 200));
  });

  test(`${driver}: storing and reading 32 MB does not block the event loop`, async (t) => {
    // 128 chunks, with at least one turn of the event loop each. On a busy machine this thread may
    // not be scheduled during an operation, which is then repeated.
    const isBlocked = async (operation: () => Promise<unknown>) => {
      for (let round = 0; round < 5; round += 1) if ((await turnsDuring(operation)) >= 128) return false;
      return true;
    };
    const bytes = bytesOf(32 << 20);
    const cid = await blobs.put(bytes);
    t.true(Buffer.from(await blobs.get(cid)).equals(bytes));
    t.false(await isBlocked(() => blobs.put(bytes)), 'during a put');
    t.false(await isBlocked(() => blobs.get(cid)), 'during a get');
  });

  test(`${driver}: ping succeeds on a healthy store`, async (t) => {
    await t.notThrowsAsync(blobs.ping());
  });
}

/** Resolves with the number of turns that the event loop makes during an operation. */
async function turnsDuring(operation: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();
  await operation();
  isOver = true;
  return turns;
}
