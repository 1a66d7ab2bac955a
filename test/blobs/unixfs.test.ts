import test from 'ava';
import { cidOf, parseCid } from '../../src/blobs/unixfs.js';
import { bytesOf, KUBO_CIDS, KUBO_TREE_CIDS } from '../helpers/kubo-cids.js';

for (const [size, cid] of [...KUBO_CIDS, ...KUBO_TREE_CIDS]) {
  test(`the CID of ${size} bytes equals the CID computed by Kubo`, async (t) => {
    t.is((await cidOf(bytesOf(size))).toString(), cid);
  });
}

test('parseCid returns null for text that is not a CID', (t) => {
  t.is(parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')?.version, 1);
  for (const text of [
    '',
    'x',
    '..',
    'bafkrei',
    '/ipfs/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
  ]) {
    t.is(parseCid(text), null);
  }
});
