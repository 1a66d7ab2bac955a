import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { AppError, isAppError } from '../errors.js';
import type { Blobs } from '../ports/blobs.js';
import type { BlobOwnerStore } from '../ports/store/blob-owners.js';
import type { Quotas } from './quotas.js';

const LOOK_MS = 50;
/** A mark is void after a minute, so this is never reached while the store answers. */
const PATIENCE_MS = 90_000;

interface BlobDeps {
  blobs: Blobs;
  owners: BlobOwnerStore;
}

interface StoreDeps extends BlobDeps {
  quotas: Quotas;
}

/**
 * Stores bytes for a namespace. Once it resolves they stay, whoever gives up the same bytes at the
 * same time.
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
    // What was refused must not stay on the disk.
    if (isAppError(error, 'quota_exceeded')) await deleteUnowned(deps, cid);
    throw error;
  }
  await secureBlob(deps, cid, blob.bytes);
  return cid;
}

/**
 * For bytes that were put before anything referred to them, once something does: a deletion that
 * began in between is waited for, and what it took is put again. One that begins later finds the
 * reference.
 */
export async function secureBlob({ blobs, owners }: BlobDeps, cid: string, bytes: Uint8Array): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  while (await owners.isCondemned(cid)) {
    if (performance.now() > patience) {
      throw new AppError(
        'unavailable',
        `The blob ${cid} is being deleted and does not come to an end; try again.`,
      );
    }
    await sleep(LOOK_MS);
  }
  if (!(await blobs.has(cid))) await blobs.put(bytes);
}

/**
 * Gives up a namespace's blob; its bytes go when nothing else refers to them. False when the
 * namespace has none.
 */
export async function giveUpBlob(
  { blobs, owners }: BlobDeps,
  namespace: Namespace,
  cid: string,
): Promise<boolean> {
  if (!(await owners.remove(namespace, cid))) return false;
  await deleteUnowned({ blobs, owners }, cid);
  return true;
}

/** Deletes the bytes, unless something refers to them. */
export async function deleteUnowned({ blobs, owners }: BlobDeps, cid: string): Promise<void> {
  const token = await owners.condemn(cid);
  if (token === null) return;
  try {
    await blobs.delete(cid);
  } finally {
    await owners.acquit(cid, token);
  }
}
