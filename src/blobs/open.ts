import type { Blobs } from '../ports/blobs.js';
import { type KuboBlobsOptions, openKuboBlobs } from './drivers/kubo.js';
import { type LocalBlobsOptions, openLocalBlobs } from './drivers/local.js';

export type BlobsOptions =
  | ({ driver: 'kubo' } & KuboBlobsOptions)
  | ({ driver: 'local' } & LocalBlobsOptions);

/** Opens the store of modules and of what functions put; throws `bad_config` when it cannot be used. */
export function openBlobs(options: BlobsOptions): Promise<Blobs> {
  switch (options.driver) {
    case 'kubo':
      return openKuboBlobs(options);
    case 'local':
      return openLocalBlobs(options);
  }
}
