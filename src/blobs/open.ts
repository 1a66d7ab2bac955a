import type { Blobs } from '../ports/blobs.js';
import type { KuboBlobsOptions } from './drivers/kubo.js';
import type { LocalBlobsOptions } from './drivers/local.js';

export type BlobsOptions =
  | ({ driver: 'kubo' } & KuboBlobsOptions)
  | ({ driver: 'local' } & LocalBlobsOptions);

/**
 * Opens the blob store, which holds modules and the blobs of functions. Throws `bad_config` if the
 * store is not usable.
 */
export async function openBlobs(options: BlobsOptions): Promise<Blobs> {
  switch (options.driver) {
    case 'kubo':
      return (await import('./drivers/kubo.js')).openKuboBlobs(options);
    case 'local':
      return (await import('./drivers/local.js')).openLocalBlobs(options);
  }
}
