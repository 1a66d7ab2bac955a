import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FsBlockstore } from 'blockstore-fs';
import { FlatDirectory } from 'blockstore-fs/sharding';
import { exporter } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { AppError, isAppError, messageOf } from '../../errors.js';
import type { Blobs } from '../../ports/blobs.js';
import { cidText, importInto, parseCid } from '../unixfs.js';

export interface LocalBlobsOptions {
  /** May be shared by several processes on one machine. */
  dir: string;
}

/** A staging directory older than this was left behind by a process that died during a put. */
const STALE_STAGING_MS = 60 * 60_000;

/**
 * Stores each blob in a directory named by its CID that contains the blob's blocks. A put writes to
 * a staging directory, syncs it to disk and renames it, so a blob is present completely or not at
 * all, even after a crash of the process or the machine. Blobs do not share blocks, so one can be
 * deleted without reference counting.
 */
export async function openLocalBlobs({ dir }: LocalBlobsOptions): Promise<Blobs> {
  const staging = join(dir, '.staging');
  try {
    await mkdir(staging, { recursive: true });
    await access(dir, constants.R_OK | constants.W_OK);
    await sweepStaging(staging);
  } catch (cause) {
    throw new AppError('bad_config', `The blob directory ${dir} cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }

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
      // The blob exists already. Putting it again repairs a damaged copy.
      if (await isWhole(cid)) break;
      // Move the damaged copy away. ENOENT: another process has deleted it.
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
    if (cid === null || !(await has(text))) throw absent(text);
    try {
      return await read(cid);
    } catch (cause) {
      // The blob was deleted during the read.
      if (!(await has(text))) throw absent(text);
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
        const parts: Uint8Array[] = [];
        for await (const part of store.get(block)) parts.push(part);
        const bytes = Buffer.concat(parts);
        const digest = await sha256.digest(bytes);
        if (!Buffer.from(digest.bytes).equals(block.multihash.bytes)) {
          throw new AppError(
            'internal',
            `The stored blob ${cid} is damaged: block ${block} does not match its hash`,
          );
        }
        yield bytes;
      },
    };
    const entry = await exporter(cid, verified);
    if (entry.type !== 'file' && entry.type !== 'raw') {
      throw new AppError('internal', `The stored blob ${cid} is no file but a ${entry.type}`);
    }
    const whole = new Uint8Array(Number(entry.size));
    let at = 0;
    // By default all blocks are read concurrently, which blocks the main thread for 100 ms.
    for await (const chunk of entry.content({ blockReadConcurrency: 1 })) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  async function has(text: string): Promise<boolean> {
    const cid = parseCid(text);
    if (cid === null) return false;
    return stat(join(dir, cid.toString())).then(
      (found) => found.isDirectory(),
      () => false,
    );
  }

  async function remove(text: string): Promise<void> {
    const cid = parseCid(text);
    if (cid === null) return;
    // Rename before deleting, so that a reader finds the blob complete or not at all.
    const doomed = join(staging, randomUUID());
    try {
      await rename(join(dir, cid.toString()), doomed);
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
    await rm(doomed, { recursive: true, force: true });
  }

  async function ping(): Promise<void> {
    try {
      await access(dir, constants.R_OK | constants.W_OK);
    } catch (cause) {
      throw new AppError('unavailable', 'The directory of the storage cannot be read and written.', {
        cause,
      });
    }
  }

  return {
    driver: 'local',
    cidOf: cidText,
    put,
    get,
    has,
    delete: remove,
    nodes: async () => [],
    ping,
    close: async () => {},
  };
}

function blockstore(path: string): FsBlockstore {
  return new FsBlockstore(path, { shardingStrategy: new FlatDirectory() });
}

/**
 * Removes staging directories that killed processes have left behind. Recent ones are kept, as
 * another process may be using them.
 */
async function sweepStaging(staging: string): Promise<void> {
  const stale = Date.now() - STALE_STAGING_MS;
  for (const name of await readdir(staging)) {
    const path = join(staging, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < stale) await rm(path, { recursive: true, force: true });
  }
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

function absent(cid: string): AppError {
  return new AppError('not_found', `No blob is stored under "${cid}"`);
}

/** Renames a file; resolves with false if that fails with one of the given codes. */
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
