import test from 'ava';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

export function testBlobOwners(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a blob has one owner row, with its own name, for each namespace that stored it`, async (t) => {
    const { blobOwners } = await get();
    const [a, b, cid] = [aNamespace(), aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: 'first', size: 5 });
    await blobOwners.add(a, { cid, name: 'again', size: 5 });
    await blobOwners.add(a, { cid, name: '', size: 5 });
    await blobOwners.add(b, { cid, name: '', size: 5 });
    t.is((await blobOwners.get(a, cid))?.name, 'again');
    const owner = await blobOwners.get(a, cid);
    t.is(owner?.size, 5);
    t.is(await blobOwners.get(aNamespace(), cid), null);
    await blobOwners.rename(a, cid, 'anew');
    t.is((await blobOwners.get(a, cid))?.name, 'anew');
    t.is((await blobOwners.get(b, cid))?.name, '');
    t.true(await blobOwners.remove(a, cid));
    t.false(await blobOwners.remove(a, cid));
    t.true(await blobOwners.remove(b, cid));
  });

  test(`${driver}: a blob can be marked for deletion by one caller, and only when no namespace owns it`, async (t) => {
    const { blobOwners } = await get();
    const [a, cid] = [aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: '', size: 5 });
    t.is(await blobOwners.markForDeletion(cid), null);
    t.false(await blobOwners.isPendingDeletion(cid));
    await blobOwners.remove(a, cid);
    const tokens = await Promise.all([1, 2, 3].map(() => blobOwners.markForDeletion(cid)));
    const [token, ...others] = tokens.filter((one) => one !== null);
    t.deepEqual(others, []);
    t.true(await blobOwners.isPendingDeletion(cid));
    await blobOwners.unmark(cid, 'of another');
    t.true(await blobOwners.isPendingDeletion(cid));
    await blobOwners.unmark(cid, token ?? '');
    t.false(await blobOwners.isPendingDeletion(cid));
  });
}
