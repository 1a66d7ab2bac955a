import { randomBytes } from 'node:crypto';
import { openBlobs } from '../../src/blobs/open.js';

// Child process of the local blobs test: stores blobs and sends the CID of each until killed.
const blobs = await openBlobs({ driver: 'local', dir: process.argv[2] ?? '' });

async function putForever(): Promise<void> {
  for (;;) process.send?.(await blobs.put(randomBytes(600_000)));
}

await Promise.all([putForever(), putForever(), putForever()]);
