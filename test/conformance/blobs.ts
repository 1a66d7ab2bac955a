import { randomBytes } from 'node:crypto';
import test from 'ava';
import { isAppError } from '../../src/errors.js';
import type { Blobs } from '../../src/ports/blobs.js';
import { bytesOf, KUBO_CIDS } from '../helpers/kubo-cids.js';

const ABSENT = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** Tests for every driver of the Blobs port. */
export function blobsConformance(driver: string, open: () => Promise<Blobs>): void {
  let blobs: Blobs;
  test.serial.before(async () => {
    blobs = await open();
  });
  test.serial.after.always(() => blobs?.close());

  test(`${driver}: the driver is named as its setting`, (t) => {
    t.is(blobs.driver, driver);
  });

  test(`${driver}: the servers that hold the blobs are told by their ids`, async (t) => {
    const nodes = await blobs.nodes();
    t.is(nodes.length, driver === 'kubo' ? 1 : 0);
    for (const { id, addresses } of nodes) {
      t.regex(id, /^12D3Koo/);
      t.true(addresses.every((address) => address.includes(id)));
    }
  });

  for (const [size, cid] of KUBO_CIDS) {
    test(`${driver}: ${size} bytes have the CID that Kubo gives them, and come back whole`, async (t) => {
      const bytes = bytesOf(size);
      t.is(await blobs.put(bytes), cid);
      t.deepEqual(Buffer.from(await blobs.get(cid)), Buffer.from(bytes));
    });
  }

  test(`${driver}: the same bytes put twice, at once and again, are one blob`, async (t) => {
    const bytes = randomBytes(600_000);
    const [one, two] = await Promise.all([blobs.put(bytes), blobs.put(bytes)]);
    t.is(one, two);
    t.is(await blobs.put(bytes), one);
    t.deepEqual(Buffer.from(await blobs.get(one)), bytes);
  });

  test(`${driver}: a deleted blob is gone, deleting it again is no error, and it can be put again`, async (t) => {
    const bytes = randomBytes(300_000);
    const cid = await blobs.put(bytes);
    t.true(await blobs.has(cid));
    await blobs.delete(cid);
    t.false(await blobs.has(cid));
    await t.throwsAsync(blobs.get(cid), { code: 'not_found' });
    await blobs.delete(cid);
    t.is(await blobs.put(bytes), cid);
    t.deepEqual(Buffer.from(await blobs.get(cid)), bytes);
  });

  test(`${driver}: deleting one blob leaves another whole that begins with the same bytes`, async (t) => {
    const shared = randomBytes(262_144);
    const kept = Buffer.concat([shared, randomBytes(10)]);
    const doomed = await blobs.put(Buffer.concat([shared, randomBytes(10)]));
    const cid = await blobs.put(kept);
    await blobs.delete(doomed);
    t.deepEqual(Buffer.from(await blobs.get(cid)), kept);
  });

  for (const cid of [ABSENT, 'not-a-cid', '', '../../../etc/passwd']) {
    test(`${driver}: nothing is found under ${JSON.stringify(cid)}`, async (t) => {
      t.false(await blobs.has(cid));
      const error = await t.throwsAsync(blobs.get(cid));
      t.true(isAppError(error, 'not_found'));
      await t.notThrowsAsync(blobs.delete(cid));
    });
  }

  test(`${driver}: a view into a larger buffer is stored as the view alone`, async (t) => {
    const bytes = randomBytes(1000);
    const cid = await blobs.put(bytes.subarray(100, 200));
    t.deepEqual(Buffer.from(await blobs.get(cid)), bytes.subarray(100, 200));
  });

  test(`${driver}: 32 MB go in and out while the event loop goes on turning`, async (t) => {
    const bytes = bytesOf(32 << 20);
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    turn();
    const cid = await blobs.put(bytes);
    const turnsOfPut = turns;
    const read = await blobs.get(cid);
    isOver = true;
    t.true(Buffer.from(read).equals(bytes));
    // 128 chunks, with at least one turn of the event loop each. The duration of a turn depends on
    // the machine.
    t.true(turnsOfPut >= 128, `${turnsOfPut} turns during the put`);
    t.true(turns - turnsOfPut >= 128, `${turns - turnsOfPut} turns during the get`);
  });

  test(`${driver}: a healthy store answers a ping`, async (t) => {
    await t.notThrowsAsync(blobs.ping());
  });
}
