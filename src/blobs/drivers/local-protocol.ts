import type { ErrorCode } from '../../errors.js';
import type { Blobs } from '../../ports/blobs.js';

/** The part of the directory in which puts are made and deletions end. */
export const STAGING = '.staging';

/** What reads, hashes or writes whole blobs. */
export type LocalStore = Pick<Blobs, 'cidOf' | 'put' | 'get' | 'delete'>;

export interface LocalRequest {
  operation: keyof LocalStore;
  argument: Uint8Array | string;
}

export type LocalReply =
  | { kind: 'done'; result: Uint8Array | string | undefined }
  | { kind: 'refused'; code: ErrorCode; message: string; cause: string | undefined }
  | { kind: 'failed'; message: string };
