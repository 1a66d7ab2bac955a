import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';
import { AppError, isAppError } from '../../errors.js';
import type { Blobs } from '../../ports/blobs.js';
import type { BlobOwnerStore } from '../../ports/store/blob-owners.js';
import type { Quotas } from '../quotas.js';

const POLL_MS = 50;
/** A mark expires after a minute, so this timeout is reached only if the store does not respond. */
const TIMEOUT_MS = 90_000;

interface BlobDeps {
  blobs: Blobs;
  owners: BlobOwnerStore;
}

interface StoreDeps extends BlobDeps {
  quotas: Quotas;
}

/**
 * Stores bytes for a namespace. When the promise resolves, the bytes are safe from a concurrent
 * deletion of the same blob by another namespace.
 */
export async function storeBlob(
  deps: StoreDeps,
  namespace: Namespace,
  blob: { bytes: Uint8Array; name: string },
): Promise<string> {
  const { storage_mb: limit } = await deps.quotas.limits(namespace);
  const cid = await deps.blobs.put(blob.bytes);
  try {
    await deps.owners.add(namespace, { cid, name: blob.name, size: blob.bytes.byteLength }, limit * MB);
  } catch (error) {
    // A refused blob must not stay on the disk.
    if (isAppError(error, 'quota_exceeded')) await deleteUnowned(deps, cid);
    throw error;
  }
  await secureBlob(deps, cid, blob.bytes);
  return cid;
}

/**
 * Secures bytes that were stored before a reference to them existed. Call it after adding the
 * reference: it waits for a deletion that began in between and stores the bytes again if they were
 * deleted. A deletion that begins later sees the reference.
 */
export async function secureBlob({ blobs, owners }: BlobDeps, cid: string, bytes: Uint8Array): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (await owners.isPendingDeletion(cid)) {
    if (performance.now() > deadline) {
      throw new AppError(
        'unavailable',
        `The blob ${cid} is still being deleted after ${TIMEOUT_MS / 1000} s; try again.`,
      );
    }
    await sleep(POLL_MS);
  }
  if (!(await blobs.has(cid))) await blobs.put(bytes);
}

/**
 * Removes a namespace's reference to a blob and deletes the bytes if no other reference exists.
 * Resolves with false if the namespace has no such blob.
 */
export async function releaseBlob(
  { blobs, owners }: BlobDeps,
  namespace: Namespace,
  cid: string,
): Promise<boolean> {
  if (!(await owners.remove(namespace, cid))) return false;
  await deleteUnowned({ blobs, owners }, cid);
  return true;
}

/** Deletes the bytes unless a reference to them exists. */
export async function deleteUnowned({ blobs, owners }: BlobDeps, cid: string): Promise<void> {
  const token = await owners.markForDeletion(cid);
  if (token === null) return;
  // After a failure the mark stays until it expires: a server whose answer was lost may delete the
  // bytes later, and whoever stores the same bytes meanwhile must wait and see whether they exist.
  await blobs.delete(cid);
  await owners.unmark(cid, token);
}
