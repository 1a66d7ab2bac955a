import type { Blobs } from '../ports/blobs.js';
import type { KuboBlobsOptions } from './drivers/kubo.js';
import type { LocalBlobsOptions } from './drivers/local.js';

export type BlobsOptions =
  | ({ driver: 'kubo' } & KuboBlobsOptions)
  | ({ driver: 'local' } & LocalBlobsOptions);

/**
 * Opens the store of modules and of what functions put; throws `bad_config` when it cannot be used.
 */
export async function openBlobs(options: BlobsOptions): Promise<Blobs> {
  switch (options.driver) {
    case 'kubo':
      return (await import('./drivers/kubo.js')).openKuboBlobs(options);
    case 'local':
      return (await import('./drivers/local.js')).openLocalBlobs(options);
  }
}
