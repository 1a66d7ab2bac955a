import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openBlobs } from '../../src/blobs/open.js';
import { isAppError } from '../../src/errors.js';

// Child process of the local blobs test: stores a blob per message and sends its CID, or the code
// of the error.
const blobs = await openBlobs({ driver: 'local', dir: process.argv[2] ?? '' });
process.send?.('open');
for (;;) {
  await once(process, 'message');
  const put = blobs.put(randomBytes(1000));
  process.send?.(await put.catch((error) => (isAppError(error) ? error.code : String(error))));
}
