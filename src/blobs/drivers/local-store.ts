import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FsBlockstore } from 'blockstore-fs';
import { FlatDirectory } from 'blockstore-fs/sharding';
import { exporter } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { AppError, isAppError } from '../../errors.js';
import { cidText, importInto, parseCid } from '../unixfs.js';
import { hasBlob } from './local-blob.js';
import { type LocalStore, STAGING } from './local-protocol.js';

/**
 * Opens a store with one directory per blob, which is named by its CID and contains the blob's
 * blocks. A put writes a staging directory, syncs it to disk and renames it, so that a blob exists
 * completely or not at all, even if the process or the machine crashes. Blobs share no blocks, so
 * they can be deleted without counting references.
 */
export function openLocalStore(dir: string): LocalStore {
  const staging = join(dir, STAGING);

  async function put(bytes: Uint8Array): Promise<string> {
    const staged = join(staging, randomUUID());
    try {
      const store = blockstore(staged);
      await store.open();
      const cid = await importInto(store, bytes);
      await syncTree(staged);
      await install(staged, cid);
      return cid.toString();
    } catch (cause) {
      throw new AppError('unavailable', 'The storage could not be written to; try again in a moment.', {
        cause,
      });
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }

  async function install(staged: string, cid: CID): Promise<void> {
    const target = join(dir, cid.toString());
    while (!(await isRenamed(staged, target, ['ENOTEMPTY', 'EEXIST']))) {
      // The blob already exists. Storing it again repairs a damaged one.
      if (await isWhole(cid)) break;
      // Moves the existing directory away; it may just have been deleted by another process.
      await isRenamed(target, join(staging, randomUUID()), ['ENOENT']);
    }
    await sync(dir);
  }

  async function isWhole(cid: CID): Promise<boolean> {
    return read(cid).then(
      () => true,
      () => false,
    );
  }

  async function get(text: string): Promise<Uint8Array> {
    const cid = parseCid(text);
    if (cid === null || !(await hasBlob(dir, text))) throw absent(text);
    try {
      return await read(cid);
    } catch (cause) {
      // The blob was deleted during the read.
      if (!(await hasBlob(dir, text))) throw absent(text);
      if (isAppError(cause)) throw cause;
      throw new AppError(
        'internal',
        `The stored blob ${text} cannot be read; the engine's log has the details.`,
        {
          cause,
        },
      );
    }
  }

  async function read(cid: CID): Promise<Uint8Array> {
    const store = blockstore(join(dir, cid.toString()));
    const verified = {
      async *get(block: CID) {
        const bytes = await bytesOf(store, block);
        if (bytes === null) throw damaged(cid, `block ${block} is missing`);
        const digest = await sha256.digest(bytes);
        if (!Buffer.from(digest.bytes).equals(block.multihash.bytes)) {
          throw damaged(cid, `block ${block} does not match its hash`);
        }
        yield bytes;
      },
    };
    const entry = await exporter(cid, verified);
    if (entry.type !== 'file' && entry.type !== 'raw') {
      throw damaged(cid, `it is no file but a ${entry.type}`);
    }
    const whole = new Uint8Array(Number(entry.size));
    let at = 0;
    // Writing all blocks concurrently, as by default, would block other reads and writes.
    for await (const chunk of entry.content({ blockReadConcurrency: 1 })) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  async function remove(text: string): Promise<void> {
    const cid = parseCid(text);
    if (cid === null) return;
    // Renamed first, so that readers find the blob completely or not at all.
    const trashPath = join(staging, randomUUID());
    try {
      await rename(join(dir, cid.toString()), trashPath);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw new AppError(
        'unavailable',
        `The blob ${text} cannot be deleted right now; try again in a moment.`,
        {
          cause: error,
        },
      );
    }
    await rm(trashPath, { recursive: true, force: true });
  }

  return { cidOf: cidText, put, get, delete: remove };
}

function blockstore(path: string): FsBlockstore {
  return new FsBlockstore(path, { shardingStrategy: new FlatDirectory() });
}

async function syncTree(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await sync(join(dir, name));
  await sync(dir);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Resolves with null if the block is missing. */
async function bytesOf(store: FsBlockstore, block: CID): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of store.get(block)) parts.push(part);
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundError') return null;
    throw error;
  }
  return Buffer.concat(parts);
}

function damaged(cid: CID, why: string): AppError {
  return new AppError('blob_damaged', `The stored blob ${cid} is damaged: ${why}.`);
}

function absent(cid: string): AppError {
  return new AppError('not_found', `No blob is stored under "${cid}"`);
}

/** Resolves with false if the operation fails with one of these codes. */
async function isRenamed(source: string, target: string, unless: readonly string[]): Promise<boolean> {
  try {
    await rename(source, target);
    return true;
  } catch (error) {
    if (unless.some((code) => isCode(error, code))) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
